/* SPDX-License-Identifier: MIT */
#include "sandbox/spawner_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/cgroup.h"

#define WAIT_MS	 30000
#define MAX_RIGS 4

/* Started and not stopped. */
static struct {
	pid_t pid;
	int sock;
} running[MAX_RIGS];

static void remember(pid_t pid, int sock)
{
	for (size_t i = 0; i < MAX_RIGS; i++) {
		if (running[i].pid == 0) {
			running[i].pid = pid;
			running[i].sock = sock;
			return;
		}
	}
}

void rig_forget(pid_t pid)
{
	for (size_t i = 0; i < MAX_RIGS; i++) {
		if (running[i].pid == pid)
			running[i].pid = 0;
	}
}

void rig_abandon_all(void)
{
	for (size_t i = 0; i < MAX_RIGS; i++) {
		if (running[i].pid == 0)
			continue;
		(void)close(running[i].sock);
		(void)waitpid(running[i].pid, NULL, 0);
		running[i].pid = 0;
	}
}

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "spawner rig: %s: %s\n", what, strerror(errno));
	exit(1);
}

void rig_config(struct rig *r, uint32_t slots)
{
	memset(r, 0, sizeof(*r));
	r->sock = -1;
	r->next_id = 1;
	r->config = (struct sandbox_config){
		.magic = SANDBOX_CONFIG_MAGIC,
		.size = sizeof(r->config),
		.version = CODECRUSHER_VERSION,
		.slots = slots,
		/* 256 blocks of uids, which no other rig on this host is likely to count. */
		.uid_base = 0x71000000u + ((uint32_t)getpid() & 0x7f) * 0x100000u,
		.log_level = 2,
		.rootfs = "host",
		.maxima = { .cpu_ms = 10000,
			    .wall_ms = 20000,
			    .memory_bytes = 512 << 20,
			    .processes = 64,
			    .file_bytes = 64 << 20,
			    .disk_bytes = 64 << 20 },
		.usual = { .cpu_ms = 10000,
			   .wall_ms = 20000,
			   .memory_bytes = 64 << 20,
			   .processes = 32,
			   .file_bytes = 1 << 20,
			   .disk_bytes = 8 << 20 },
	};
	/* Of its own for each program, so that tests beside each other and a real worker do not meet. */
	snprintf(r->config.run_dir, sizeof(r->config.run_dir), "/tmp/cc-rig-%d", getpid());
	snprintf(r->config.cgroup_parent, sizeof(r->config.cgroup_parent), "cc-rig-%d", getpid());
}

static _Noreturn void exec_spawner(int engine, int config)
{
	const char *path = getenv("CODECRUSHER_SPAWNER");
	char *argv[] = { (char *)(uintptr_t) "codecrusher-spawner", NULL };
	char *env[] = { NULL };

	/* Out of the way of their targets first. */
	engine = fcntl(engine, F_DUPFD, 10);
	config = fcntl(config, F_DUPFD, 10);
	if (engine < 0 || config < 0 || dup2(engine, SANDBOX_ENGINE_FD) < 0 ||
	    dup2(config, SANDBOX_CONFIG_FD) < 0)
		_exit(126);
	if (path)
		execve(path, argv, env);
	_exit(127);
}

/* The next message of any type. */
static void receive(struct rig *r, struct wire_message *m)
{
	struct pollfd p = { .fd = r->sock, .events = POLLIN };
	struct err e = { 0 };
	int got;

	if (poll(&p, 1, WAIT_MS) <= 0) {
		errno = ETIMEDOUT;
		give_up("no message from the spawner");
	}
	got = wire_receive(r->sock, m, &e);
	if (got <= 0) {
		fprintf(stderr, "spawner rig: the spawner is gone (%d) %s\n", got, e.msg);
		exit(1);
	}
	if (m->head.type == WIRE_STATE)
		r->state = m->state;
}

void rig_wait_ready(struct rig *r, uint32_t ready)
{
	struct wire_message m;

	while (r->state.ready < ready)
		receive(r, &m);
}

void rig_start(struct rig *r, uint32_t ready)
{
	int pair[2], config = memfd_create("config", MFD_CLOEXEC);
	struct wire_message m;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 || config < 0 ||
	    write(config, &r->config, sizeof(r->config)) != (ssize_t)sizeof(r->config))
		give_up("prepare the spawner");
	r->pid = fork();
	if (r->pid == 0)
		exec_spawner(pair[1], config);
	(void)close(pair[1]);
	(void)close(config);
	r->sock = pair[0];
	remember(r->pid, r->sock);
	receive(r, &m);
	if (m.head.type != WIRE_HELLO) {
		errno = EPROTO;
		give_up("the first message is no greeting");
	}
	r->hello = m.hello;
	memset(&r->state, 0, sizeof(r->state));
	rig_wait_ready(r, ready);
}

/* What a spawner leaves for the next one: the lock files and the parent of its control groups. */
static void remove_traces(const struct rig *r)
{
	struct cgroup_layout layout;
	char path[CGROUP_PATH_MAX + 80];
	struct err e;

	for (int i = 0; i < MAX_RIGS; i++) {
		snprintf(path, sizeof(path), "%s/%d/lock", r->config.run_dir, i);
		(void)unlink(path);
		snprintf(path, sizeof(path), "%s/%d", r->config.run_dir, i);
		(void)rmdir(path);
	}
	(void)rmdir(r->config.run_dir);
	if (cgroup_detect("", &layout, &e) < 0)
		return;
	for (size_t i = 0; i < layout.n_trees; i++) {
		snprintf(path, sizeof(path), "%s/%s", layout.trees[i].dir, r->config.cgroup_parent);
		(void)rmdir(path);
	}
}

static bool others_run(void)
{
	for (size_t i = 0; i < MAX_RIGS; i++) {
		if (running[i].pid != 0)
			return true;
	}
	return false;
}

int rig_stop(struct rig *r)
{
	int status = -1;

	rig_forget(r->pid);
	(void)close(r->sock);
	if (waitpid(r->pid, &status, 0) < 0)
		give_up("wait for the spawner");
	if (!others_run())
		remove_traces(r);
	return status;
}

void rig_send_message(struct rig *r, const void *message, const int *fds, size_t n_fds)
{
	const struct wire_head *head = message;

	if (wire_send(r->sock, message, head->size, fds, n_fds) < 0)
		give_up("send to the spawner");
}

uint64_t rig_send(struct rig *r, const struct spec *spec, const struct sandbox_limits *limits)
{
	struct wire_run m = { .head = { .type = WIRE_RUN, .size = sizeof(m), .run = r->next_id++ },
			      .limits = limits ? *limits : r->config.maxima,
			      .warm = r->warm };
	struct err e;
	int fd = spec_memfd(spec, &e);

	if (fd < 0)
		give_up(e.msg);
	if (spec->collect)
		m.flags |= WIRE_RUN_COLLECT;
	rig_send_message(r, &m, &fd, 1);
	(void)close(fd);
	return m.head.run;
}

uint64_t rig_send_sh(struct rig *r, const char *command, const struct sandbox_limits *limits)
{
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	const char *env[] = { NULL };
	struct spec spec = { .argv = argv, .env = env };

	return rig_send(r, &spec, limits);
}

void rig_kill(struct rig *r, uint64_t id, enum wire_stop stop)
{
	struct wire_kill m = { .head = { .type = WIRE_KILL, .size = sizeof(m), .run = id }, .stop = stop };

	rig_send_message(r, &m, NULL, 0);
}

void rig_wait_started(struct rig *r, int *ret_out, int *ret_err)
{
	struct wire_message m;

	do {
		receive(r, &m);
	} while (m.head.type == WIRE_STATE);
	if (m.head.type != WIRE_STARTED) {
		errno = EPROTO;
		give_up("the run did not start");
	}
	*ret_out = m.fds[0];
	*ret_err = m.fds[1];
}

/* What is in the pipe now: when the run is done, its writers are dead or past counting. */
static void drain(int fd, char *out)
{
	size_t len = 0;
	ssize_t n;

	while (len < RIG_OUTPUT - 1 && (n = read(fd, out + len, RIG_OUTPUT - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	(void)close(fd);
}

void rig_wait_done(struct rig *r, struct rig_result *ret)
{
	int out = -1, err = -1;
	struct wire_message m;

	memset(ret, 0, sizeof(*ret));
	ret->artifacts = -1;
	for (;;) {
		receive(r, &m);
		if (m.head.type == WIRE_STARTED) {
			if (out >= 0) {
				(void)close(out);
				(void)close(err);
			}
			out = m.fds[0];
			err = m.fds[1];
			ret->starts++;
			ret->warm = m.started.flags & WIRE_STARTED_WARM;
		}
		if (m.head.type == WIRE_DONE || m.head.type == WIRE_REFUSED)
			break;
	}
	ret->refused = m.head.type == WIRE_REFUSED;
	if (ret->refused)
		memcpy(ret->reason, m.refused.reason, sizeof(ret->reason));
	else
		ret->done = m.done;
	if (m.n_fds > 0)
		ret->artifacts = m.fds[0];
	if (out >= 0) {
		drain(out, ret->out);
		drain(err, ret->err);
	}
}

void rig_sh(struct rig *r, const char *command, const struct sandbox_limits *limits, struct rig_result *ret)
{
	(void)rig_send_sh(r, command, limits);
	rig_wait_done(r, ret);
}
