/* SPDX-License-Identifier: MIT */
/*
 * codecrusher-spawner: started by the monitor with an empty environment, the engine's socket as descriptor 3
 * and its configuration as descriptor 4. With --probe it says what this host can isolate instead; descriptor
 * 4 is optional then.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "sandbox/defence.h"
#include "sandbox/probe.h"
#include "sandbox/spawner.h"

#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits.h */

#ifdef CODECRUSHER_SANITIZED
const char *__asan_default_options(void);

/* The search for leaks needs a /proc, which is out of sight, and is not for the processes of a slot. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

static int usage(void)
{
	fprintf(stderr,
		"codecrusher-spawner is started by codecrusher; use \"codecrusher doctor\" to see what "
		"this host can isolate\n");
	return 64; /* EX_USAGE */
}

static int probe_main(void)
{
	struct sandbox_config config;
	bool given = fcntl(SANDBOX_CONFIG_FD, F_GETFD) >= 0;
	struct probe p;
	struct err e;

	if (given && sandbox_config_read(SANDBOX_CONFIG_FD, &config, &e) < 0) {
		fprintf(stderr, "codecrusher-spawner: %s\n", e.msg);
		return EXIT_CONFIG;
	}
	probe_run(given ? &config : NULL, &p);
	probe_print(&p);
	return probe_verdict(&p, &e) < 0 ? 1 : 0;
}

/*
 * Signals: the spawner ends when the engine's socket does, or by its parent's death, and by nothing that a
 * terminal or a service manager sends to the whole group, for the engine may still want its runs finished.
 * Blocked, not ignored: an ignored signal would stay ignored in every slot.
 */
static void arrange_signals(void)
{
	static const int kept_out[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM
	};
	struct sigaction act = { .sa_handler = SIG_DFL };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (int i = 1; i < SIGRTMIN; i++)
		(void)sigaction(i, &act, NULL);
	for (size_t i = 0; i < sizeof(kept_out) / sizeof(kept_out[0]); i++)
		sigaddset(&blocked, kept_out[i]);
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* Nothing of whoever started the monitor reaches a slot: descriptors, limits, mask. */
static int arrange_process(struct err *e)
{
	AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct rlimit files;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)umask(022); /* the programs inherit it */
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return err_set(e, ERR_IO, errno, "open /dev/null");
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && dup2(null, fd) < 0)
			return err_set(e, ERR_IO, errno, "open /dev/null");
	}
	if (null <= STDERR_FILENO)
		(void)TAKE_FD(null);
	if (fcntl(SANDBOX_ENGINE_FD, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(SANDBOX_CONFIG_FD, F_SETFD, FD_CLOEXEC) < 0)
		return err_set(e, ERR_INVALID, errno,
			       "descriptors 3 and 4 (engine and configuration) must be open");
	(void)close_range(SANDBOX_CONFIG_FD + 1, ~0u, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	arrange_signals();
	return 0;
}

static int refuse(const struct err *e)
{
	log_error(NULL, "cannot start: %s", e->msg);
	return EXIT_CONFIG;
}

int main(int argc, char **argv)
{
	static struct sandbox_config config;
	static struct probe p;
	struct err e;

	log_setup(LOG_INFO, false, "spawner");
	if (argc == 2 && strcmp(argv[1], "--probe") == 0)
		return probe_main();
#ifdef CODECRUSHER_WITHOUT_DEFENCE
	if (argc == 2 && strcmp(argv[1], "--defences") == 0) {
		defence_print();
		return 0;
	}
	if (defence_setup(&e) < 0)
		return refuse(&e);
#endif
	if (argc != 1)
		return usage();
	if (arrange_process(&e) < 0 || sandbox_config_read(SANDBOX_CONFIG_FD, &config, &e) < 0)
		return refuse(&e);
	(void)close(SANDBOX_CONFIG_FD);
	log_setup((enum log_level)config.log_level, config.log_json != 0, "spawner");
	probe_run(&config, &p);
	if (probe_verdict(&p, &e) < 0)
		return refuse(&e);
	for (size_t i = 0; i < p.n; i++) {
		if (p.items[i].state == PROBE_WEAK)
			log_warn(NULL, "%s: %s; %s", p.items[i].name, p.items[i].what, p.items[i].advice);
	}
	return spawner_run(&config, probe_weak(&p), SANDBOX_ENGINE_FD);
}
