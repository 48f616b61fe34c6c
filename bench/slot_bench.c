/* SPDX-License-Identifier: MIT */
/*
 * The price of a slot: from the request to the spawner until its report, for a static program that returns,
 * against posix_spawn of the same program and, when it is installed, bubblewrap around it. Needs root:
 *
 *   slot_bench SPAWNER PROGRAM [ROUNDS]
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "base/clock.h"
#include "clock.h"
#include "sandbox/config.h"
#include "sandbox/spec.h"
#include "sandbox/wire.h"
#include "stats.h"

#define BLOCK 50

static int spawner_sock;
static char rootfs[] = "/tmp/codecrusher-bench-root-XXXXXX";
static char program[sizeof(rootfs) + 32];
static const char *const slot_argv[] = { "returns", NULL };
static const char *const bare_argv[] = { program, NULL };
static const char *const bwrap_argv[] = { "bwrap", "--unshare-all", "--ro-bind", rootfs,
					  "/",	   "--proc",	    "/proc",	 "--dev",
					  "/dev",  "--tmpfs",	    "/tmp",	 "/usr/bin/returns",
					  NULL };

/* The program lies in the containers' root file system, as in an image; nobody copies it for a run. */
static void make_rootfs(const char *from)
{
	static const char *const dirs[] = { "", "/usr", "/usr/bin", "/etc", "/proc", "/dev", "/tmp" };
	char path[sizeof(program)];
	int in = open(from, O_RDONLY | O_CLOEXEC), out;
	struct stat st;

	if (!mkdtemp(rootfs) || in < 0 || fstat(in, &st) != 0)
		err(1, "prepare %s", from);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", rootfs, dirs[i]);
		(void)mkdir(path, 0755); /* the first is there */
		if (chmod(path, 0755) != 0)
			err(1, "make %s", path);
	}
	snprintf(program, sizeof(program), "%s/usr/bin/returns", rootfs);
	out = open(program, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (out < 0 || sendfile(out, in, NULL, (size_t)st.st_size) != st.st_size)
		err(1, "copy %s", from);
	close(in);
	close(out);
}

static int write_config(const char *run_dir)
{
	struct sandbox_config config = {
		.magic = SANDBOX_CONFIG_MAGIC,
		.size = sizeof(config),
		.version = CODECRUSHER_VERSION,
		.slots = 2,
		.uid_base = 0x70000000,
		.slot_millicpus = 2000,
		.allow_weak = SANDBOX_WEAK_CORE | SANDBOX_WEAK_SWAP,
		.log_level = 2,
		.cgroup_parent = "codecrusher-bench",
		.maxima = { 60000, 120000, INT64_C(1) << 31, 512, 1 << 30, 1 << 30 },
	};
	int fd = memfd_create("config", MFD_ALLOW_SEALING);

	snprintf(config.run_dir, sizeof(config.run_dir), "%s", run_dir);
	snprintf(config.rootfs, sizeof(config.rootfs), "%s", rootfs);
	if (fd < 0 || write(fd, &config, sizeof(config)) != sizeof(config) || spec_seal(fd) != 0)
		err(1, "write the spawner's configuration");
	return fd;
}

static void exec_spawner(const char *path, int sock, int config)
{
	char *const argv[] = { (char[]){ "codecrusher-spawner" }, NULL };
	char *const envp[] = { NULL };

	/* Both may sit on the other's number. */
	sock = fcntl(sock, F_DUPFD, 10);
	config = fcntl(config, F_DUPFD, 10);
	if (dup2(sock, SANDBOX_ENGINE_FD) < 0 || dup2(config, SANDBOX_CONFIG_FD) < 0)
		_exit(1);
	close_range(5, ~0U, 0);
	execve(path, argv, envp);
	_exit(127);
}

/* Waits for a message of one of two types and returns it; others are counts that nobody asked for here. */
static void receive(struct wire_message *m, enum wire_type type)
{
	for (;;) {
		struct err e = { 0 };
		int got = wire_receive(spawner_sock, m, &e);

		if (got < 0 && e.kind == ERR_BUSY) {
			struct pollfd p = { .fd = spawner_sock, .events = POLLIN };

			poll(&p, 1, -1);
			continue;
		}
		if (got <= 0)
			errx(1, "the spawner is gone: %s", e.msg);
		if (m->head.type == type)
			return;
		if (m->head.type == WIRE_REFUSED)
			errx(1, "refused: %s", m->refused.reason);
		wire_close_fds(m);
	}
}

static void run_slot(void)
{
	static uint64_t last;
	const struct spec spec = { .argv = slot_argv, .env = &slot_argv[1] };
	struct wire_run run = {
		.head = { WIRE_RUN, sizeof(run), ++last },
		.limits = { 10000, 20000, 256 << 20, 64, 64 << 20, 64 << 20 },
	};
	struct wire_message m;
	struct err e = { 0 };
	int fd = spec_memfd(&spec, &e);

	if (fd < 0 || wire_send(spawner_sock, &run, sizeof(run), &fd, 1) != 0)
		errx(1, "ask for a run: %s", e.msg);
	close(fd);
	receive(&m, WIRE_STARTED);
	wire_close_fds(&m);
	receive(&m, WIRE_DONE);
	if (m.done.exit_code != 0 || m.done.flags != 0)
		errx(1, "the run ended with status %d: %s", m.done.exit_code, m.done.problem);
}

static void run_bare_program(void)
{
	bare_run(bare_argv, "");
}

static void run_bwrap(void)
{
	bare_run(bwrap_argv, "");
}

static void block(struct samples *s, void (*one)(void), int64_t gap_ns)
{
	int64_t next = clock_mono_ns() + gap_ns;

	for (int i = 0; i < BLOCK; i++, next += gap_ns) {
		int64_t begin;

		if (gap_ns > 0)
			bench_sleep_until(next);
		begin = clock_mono_ns();
		one();
		samples_add(s, clock_mono_ns() - begin);
	}
}

static void row(const char *mode, int64_t gap_ns, int rounds, bool with_bwrap)
{
	static struct samples bare, slot, bwrap;

	bare.n = slot.n = bwrap.n = 0;
	for (int i = 0; i < rounds; i++) {
		block(&bare, run_bare_program, gap_ns);
		block(&slot, run_slot, gap_ns);
		if (with_bwrap)
			block(&bwrap, run_bwrap, gap_ns);
	}
	printf("slot        %-8s %8.2f %8.2f %7.2f %7.2f %8.2f %8.2f %8.2f", mode,
	       samples_percentile_ms(&bare, 50), samples_percentile_ms(&slot, 50),
	       samples_percentile_ms(&slot, 50) / samples_percentile_ms(&bare, 50), 1.5,
	       samples_percentile_ms(&slot, 95), samples_percentile_ms(&slot, 99),
	       samples_percentile_ms(&slot, 100));
	if (with_bwrap)
		printf("   bwrap %.2f (%.1f x slower)", samples_percentile_ms(&bwrap, 50),
		       samples_percentile_ms(&bwrap, 50) / samples_percentile_ms(&slot, 50));
	printf("\n");
	fflush(stdout);
}

int main(int argc, char *argv[])
{
	static const char run_dir[] = "/run/codecrusher"; /* its locks keep us apart from servers */
	int rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 4;
	bool with_bwrap = access("/usr/bin/bwrap", X_OK) == 0;
	struct wire_message hello;
	int pair[2], config;
	pid_t pid;

	if (argc < 3)
		errx(2, "usage: slot_bench SPAWNER PROGRAM [ROUNDS]");
	if ((mkdir(run_dir, 0755) != 0 && errno != EEXIST) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		err(1, "prepare");
	make_rootfs(argv[2]);
	config = write_config(run_dir);
	pid = fork();
	if (pid == 0)
		exec_spawner(argv[1], pair[1], config);
	close(pair[1]);
	spawner_sock = pair[0];
	fcntl(spawner_sock, F_SETFL, O_NONBLOCK);
	receive(&hello, WIRE_HELLO);
	bare_enter_directory(); /* after the start: the paths may be relative */
	run_slot();
	row("closed", 0, rounds, with_bwrap);
	row("open10", 100000000, rounds > 2 ? 2 : rounds, with_bwrap);
	close(spawner_sock);
	waitpid(pid, NULL, 0);
	bare_cleanup();
	bare_remove_tree(rootfs);
	return 0;
}
