/* SPDX-License-Identifier: MIT */
#include "cmd/spawning.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/children.h"
#include "cmd/cmd.h"
#include "cmd/paths.h"
#include "cmd/privileges.h"
#include "cmd/warm.h"
#include "sandbox/config.h"

unsigned spawning_default_slots(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	return 1;
}

int spawning_parse_weaknesses(const char *text, uint32_t *ret_bits, struct err *e)
{
	uint32_t bits = 0;

	while (*text) {
		size_t len = strcspn(text, ",");
		uint32_t bit = sandbox_weakness_bit(text, len);

		if (!bit || bit == SANDBOX_WEAK_ROOTLESS)
			return err_field(e, ERR_INVALID, "ALLOW_WEAK",
					 "CODECRUSHER_ALLOW_WEAK: \"%.*s\" is none of memory, pids, cpu, "
					 "cpuacct, swap, core, uids",
					 (int)(len < 40 ? len : 40), text);
		bits |= bit;
		text += len;
		if (*text == ',')
			text++;
	}
	*ret_bits = bits;
	return 0;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* One maximum for both kinds of step: the spawner does not know a compiler from a program. */
static struct sandbox_limits maxima(const struct conf_limits *run, const struct conf_limits *compile)
{
	return (struct sandbox_limits){
		.cpu_ms = larger(run->cpu_ms, compile->cpu_ms),
		.wall_ms = larger(run->wall_ms, compile->wall_ms),
		.memory_bytes = larger(run->memory_bytes, compile->memory_bytes),
		.processes = larger(run->processes, compile->processes),
		.file_bytes = larger(run->file_bytes, compile->file_bytes),
		.disk_bytes = larger(run->disk_bytes, compile->disk_bytes),
	};
}

/* Below these not every interpreter could be started; a run that has less is cut down when it comes. */
#define USUAL_MEMORY_MIN    ((int64_t)64 << 20)
#define USUAL_PROCESSES_MIN 32

static struct sandbox_limits usual(const struct conf_limits *run, const struct sandbox_limits *most)
{
	struct sandbox_limits l = {
		.cpu_ms = run->cpu_ms,
		.wall_ms = run->wall_ms,
		.memory_bytes = larger(run->memory_bytes, USUAL_MEMORY_MIN),
		.processes = larger(run->processes, USUAL_PROCESSES_MIN),
		.file_bytes = run->file_bytes,
		.disk_bytes = run->disk_bytes,
	};

	l.memory_bytes = l.memory_bytes < most->memory_bytes ? l.memory_bytes : most->memory_bytes;
	l.processes = l.processes < most->processes ? l.processes : most->processes;
	return l;
}

static int copy_text(char *out, size_t size, const char *text, const char *setting, struct err *e)
{
	if (strlen(text) >= size)
		return err_field(e, ERR_INVALID, setting, "CODECRUSHER_%s is too long (%zu bytes at most)",
				 setting, size - 1);
	snprintf(out, size, "%s", text);
	return 0;
}

static int fill_config(struct sandbox_config *c, const struct conf *conf, unsigned slots,
		       const struct rootless *rootless, struct lang_table *langs, struct err *e)
{
	*c = (struct sandbox_config){
		.magic = SANDBOX_CONFIG_MAGIC,
		.size = sizeof(*c),
		.version = CODECRUSHER_VERSION,
		.slots = slots,
		.uid_base = (uint32_t)conf->uid_base,
		.slot_millicpus = (uint32_t)conf->slot_millicpus,
		.log_level = (uint32_t)conf->log_level,
		.log_json = conf->log_json,
		.ids = rootless->ids,
		.maxima = maxima(&conf->maxima, &conf->compile_maxima),
	};
	c->usual = usual(&conf->defaults, &c->maxima);
	if (spawning_parse_weaknesses(conf->allow_weak, &c->allow_weak, e) < 0)
		return -1;
	if (langs)
		warm_configure(c, conf, langs);
	if (copy_text(c->rootfs, sizeof(c->rootfs), conf->rootfs, "ROOTFS", e) < 0)
		return -1;
	if (copy_text(c->run_dir, sizeof(c->run_dir), conf->run_dir, "RUN_DIR", e) < 0)
		return -1;
	return copy_text(c->cgroup_parent, sizeof(c->cgroup_parent), conf->cgroup_parent, "CGROUP_PARENT", e);
}

static int write_config(const struct conf *conf, unsigned slots, const struct rootless *rootless,
			struct lang_table *langs, const char *headers, struct err *e)
{
	AUTO_CLOSE int fd = memfd_create("codecrusher-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct sandbox_config c;

	if (fd < 0)
		return err_set(e, ERR_IO, errno, "memfd_create for the spawner's configuration");
	if (fill_config(&c, conf, slots, rootless, langs, e) < 0 ||
	    copy_text(c.headers, sizeof(c.headers), headers ? headers : "", "DATA_DIR", e) < 0)
		return -1;
	if (write(fd, &c, sizeof(c)) != (ssize_t)sizeof(c))
		return err_set(e, ERR_IO, errno, "writing the spawner's configuration");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_set(e, ERR_IO, errno, "sealing the spawner's configuration");
	return TAKE_FD(fd);
}

static int open_binary(const char *path, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_field(e, ERR_INVALID, "SPAWNER",
				 "%s: %s (set CODECRUSHER_SPAWNER to the codecrusher-spawner program)", path,
				 strerror(errno));
	if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
		return err_field(e, ERR_INVALID, "SPAWNER", "%s is not a program", path);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)))
		log_warn(NULL, "%s runs as %s, but others can change it (chown root, chmod go-w)", path,
			 geteuid() == 0 ? "root" : "you");
	return TAKE_FD(fd);
}

int spawning_prepare(struct spawning *s, const struct conf *conf, unsigned slots, struct lang_table *langs,
		     const char *headers, struct err *e)
{
	AUTO_FREE char *path = paths_spawner(conf);
	AUTO_CLOSE int binary = -1;
	int config;

	if (!path)
		return err_set(e, ERR_IO, ENOMEM, "finding the spawner");
	/* Only here: `server`, which has no spawner, may have a read-only file system. */
	if (geteuid() != 0 && dir_make_parents(conf->run_dir, e) < 0)
		return -1;
	binary = open_binary(path, e);
	if (binary < 0)
		return -1;
	rootless_find(&s->rootless);
	config = write_config(conf, slots, &s->rootless, langs, headers, e);
	if (config < 0)
		return -1;
	s->binary = TAKE_FD(binary);
	s->config = config;
	return 0;
}

void spawning_done(const struct spawning *s)
{
	(void)close(s->binary);
	(void)close(s->config);
}

/* In the child: `in_3` and the configuration become 3 and 4, everything else is closed, and the environment
 * stays behind. A failure can only be told by the exit status and a line. */
static _Noreturn void exec_spawner(const struct spawning *s, int in_3, int out, char *const argv[])
{
	enum { FIRST_FREE = SANDBOX_CONFIG_FD + 1 };
	char *const no_env[] = { NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int sock = fcntl(in_3 >= 0 ? in_3 : null, F_DUPFD_CLOEXEC, FIRST_FREE + 1);
	int config = fcntl(s->config, F_DUPFD_CLOEXEC, FIRST_FREE + 1);
	int binary = fcntl(s->binary, F_DUPFD_CLOEXEC, FIRST_FREE + 1);
	bool ok = null >= 0 && sock >= 0 && config >= 0 && binary >= 0;
	struct err e;

	if (rootless_enter(&s->rootless, &e) < 0) {
		log_error(NULL, "cannot start: %s", e.msg);
		_exit(EXIT_CODE_CONFIG);
	}
	ok = ok && dup2(out >= 0 ? out : null, STDOUT_FILENO) >= 0;
	ok = ok && dup2(null, STDIN_FILENO) >= 0;
	ok = ok && dup2(sock, SANDBOX_ENGINE_FD) >= 0 && dup2(config, SANDBOX_CONFIG_FD) >= 0;
	ok = ok && dup3(binary, FIRST_FREE, O_CLOEXEC) >= 0 && close_range(FIRST_FREE + 1, ~0U, 0) == 0;
	if (ok)
		fexecve(FIRST_FREE, argv, no_env);
	log_error(NULL, "starting the spawner, with dup3, close_range and execveat: %s", strerror(errno));
	/* Trying again would change nothing. */
	_exit(errno == ENOSYS ? EXIT_CODE_CONFIG : EXIT_CODE_FAILED);
}

pid_t spawning_start(const struct spawning *s, int *ret_engine_end, struct err *e)
{
	char *const argv[] = { (char[]){ "codecrusher-spawner" }, NULL };
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return err_set(e, ERR_IO, errno, "socketpair");
	(void)lseek(s->config, 0, SEEK_SET);
	pid = children_fork(true);
	if (pid == 0)
		exec_spawner(s, pair[1], -1, argv);
	(void)close(pair[1]);
	if (pid < 0) {
		err_set(e, ERR_IO, errno, "fork");
		(void)close(pair[0]);
		return -1;
	}
	*ret_engine_end = pair[0];
	return pid;
}

pid_t spawning_probe(const struct spawning *s, int *ret_out, struct err *e)
{
	char *const argv[] = { (char[]){ "codecrusher-spawner" }, (char[]){ "--probe" }, NULL };
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_set(e, ERR_IO, errno, "pipe");
	(void)lseek(s->config, 0, SEEK_SET);
	pid = children_fork(false);
	if (pid == 0)
		exec_spawner(s, -1, pipes[1], argv);
	(void)close(pipes[1]);
	if (pid < 0) {
		err_set(e, ERR_IO, errno, "fork");
		(void)close(pipes[0]);
		return -1;
	}
	*ret_out = pipes[0];
	return pid;
}
