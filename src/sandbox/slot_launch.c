/* SPDX-License-Identifier: MIT */
#include "sandbox/slot_launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/fdmsg.h"
#include "sandbox/seccomp_filter.h"
#include "sandbox/spec_format.h"
#include "sandbox/wire.h"

#define MIB ((int64_t)1 << 20)

struct ends {
	int report[2], go[2], out[2], err[2], context[2];
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "cannot test slots: %s: %s\n", what, why);
	_exit(2);
}

static void need(bool ok, const char *what)
{
	if (!ok)
		die(what, strerror(errno));
}

static void make_ends(struct ends *n)
{
	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, n->report) == 0, "socketpair");
	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, n->go) == 0, "socketpair");
	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, n->context) == 0, "socketpair");
	need(pipe2(n->out, O_CLOEXEC) == 0 && pipe2(n->err, O_CLOEXEC) == 0, "pipe");
	need(fchmod(n->out[1], 0222) == 0 && fchmod(n->err[1], 0222) == 0, "fchmod");
}

/* In the place of the spawner: enters the root, clones init, waits for its end. */
static _Noreturn void act_as_spawner(const struct launch *l, const struct ends *n)
{
	struct sandbox_config config = { .slots = 1 };
	struct clone_args args = { .flags = CLONE_NEWPID | CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD };
	struct sock_fprog job_filter, init_filter;
	struct slot_plan plan = {
		.job_uid = LAUNCH_JOB_UID,
		.init_uid = LAUNCH_INIT_UID,
		.report = n->report[1],
		.go = n->go[1],
		.stdout_fd = n->out[1],
		.stderr_fd = n->err[1],
		.netns = -1,
		.cgroup_procs = { -1 },
		.filter = &job_filter,
		.init_filter = &init_filter,
	};
	int context;
	struct err e;
	long pid;

	need(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0, "prctl");
	snprintf(config.rootfs, sizeof(config.rootfs), "%s", l->rootfs ? l->rootfs : "host");
	if (seccomp_job_program(&job_filter, &e) < 0 || seccomp_init_program(&init_filter, &e) < 0 ||
	    rootfs_enter(&config, &e) < 0 ||
	    box_create(&plan, l->disk_bytes ? l->disk_bytes : 64 * MIB, &plan.box_mount, &context, &e) < 0)
		die("set-up", e.msg);
	need(fdmsg_send(n->context[1], "", 1, &context, 1) == 0, "send the context");
	pid = syscall(SYS_clone3, &args, sizeof(args));
	need(pid >= 0, "clone3");
	if (pid == 0)
		slot_main(&plan);
	for (int i = 3; i < 1024; i++)
		(void)close(i);
	(void)waitpid((pid_t)pid, NULL, 0);
	_exit(0);
}

static bool receive_report(int sock, struct launched *ret)
{
	struct slot_report r;
	int fd = -1;
	size_t n = 1;
	ssize_t len = fdmsg_wait(sock, &r, sizeof(r), &fd, &n);

	if (len != (ssize_t)sizeof(r))
		return false;
	if (r.type == SLOT_READY)
		ret->ready = r;
	else if (r.type == SLOT_ENDED)
		ret->ended = r;
	else
		ret->broken = r;
	if (n == 1 && r.type == SLOT_READY)
		(void)close(fd); /* its network namespace */
	else if (n == 1)
		ret->artifacts = fd;
	return true;
}

static int memfd_with(const char *text)
{
	int fd = spec_create();

	need(fd >= 0 && spec_write_all(fd, text, strlen(text)) == 0 && spec_seal(fd) == 0, "memfd");
	return fd;
}

static void send_work(const struct launch *l, const struct ends *n)
{
	struct slot_go go = { .file_bytes = l->file_bytes ? l->file_bytes : 64 * MIB, .cpu_seconds = 60 };
	int fds[3];
	size_t count = 0;
	struct err e;

	fds[count] = spec_memfd(&l->spec, &e);
	if (fds[count++] < 0)
		die("spec", e.msg);
	if (l->input) {
		go.flags |= WIRE_RUN_STDIN;
		fds[count++] = memfd_with(l->input);
	}
	if (l->artifacts > 0) {
		go.flags |= WIRE_RUN_ARTIFACTS;
		fds[count++] = dup(l->artifacts);
	}
	if (l->collect.max_files > 0)
		need(fdmsg_send(n->report[0], &l->collect, sizeof(l->collect), fds, 1) == 0, "send collect");
	need(fdmsg_send(n->go[0], &go, sizeof(go), fds, count) == 0, "send go");
	while (count > 0)
		(void)close(fds[--count]);
}

static void resize(const struct launch *l, const struct ends *n)
{
	int context;
	size_t one = 1;
	char byte;
	struct err e;

	need(fdmsg_wait(n->context[0], &byte, 1, &context, &one) == 1 && one == 1, "receive the context");
	if (l->resize_bytes && box_resize(context, l->resize_bytes, &e) < 0)
		die("box_resize", e.msg);
	(void)close(context);
}

/* What fits is kept, the rest is read all the same. False at the end. */
static bool drain(int fd, char *to, size_t *used, bool *overflow)
{
	char buf[4096];
	ssize_t len = read(fd, buf, sizeof(buf));

	if (len <= 0)
		return false;
	for (ssize_t i = 0; i < len; i++) {
		if (*used < LAUNCH_OUTPUT - 1)
			to[(*used)++] = buf[i];
		else
			*overflow = true;
	}
	return true;
}

static void follow(const struct ends *n, struct launched *ret)
{
	struct pollfd p[] = { { .fd = n->out[0], .events = POLLIN },
			      { .fd = n->err[0], .events = POLLIN },
			      { .fd = n->report[0], .events = POLLIN } };
	size_t out = 0, err = 0;

	while (p[0].fd >= 0 || p[1].fd >= 0 || p[2].fd >= 0) {
		if (poll(p, 3, 60000) <= 0)
			die("the slot", "nothing happened for a minute");
		if (p[0].revents && !drain(n->out[0], ret->out, &out, &ret->overflow))
			p[0].fd = -1;
		if (p[1].revents && !drain(n->err[0], ret->err, &err, &ret->overflow))
			p[1].fd = -1;
		if (p[2].revents && !receive_report(n->report[0], ret))
			p[2].fd = -1;
	}
}

void launch(const struct launch *l, struct launched *ret)
{
	struct ends n;
	pid_t spawner;

	memset(ret, 0, sizeof(*ret));
	ret->artifacts = -1;
	make_ends(&n);
	spawner = fork();
	need(spawner >= 0, "fork");
	if (spawner == 0)
		act_as_spawner(l, &n);
	(void)close(n.report[1]);
	(void)close(n.go[1]);
	(void)close(n.out[1]);
	(void)close(n.err[1]);
	(void)close(n.context[1]);
	resize(l, &n);
	need(receive_report(n.report[0], ret), "receive the first report");
	if (ret->ready.type && l->abandon) {
		/* As if the spawner had died: all its ends close. */
		need(shutdown(n.report[0], SHUT_RDWR) == 0, "shutdown");
	} else if (ret->ready.type) {
		send_work(l, &n);
	}
	(void)close(n.go[0]);
	follow(&n, ret);
	need(waitpid(spawner, NULL, 0) == spawner, "waitpid");
	(void)close(n.report[0]);
	(void)close(n.out[0]);
	(void)close(n.err[0]);
	(void)close(n.context[0]);
}

int launch_prepare(const char *command)
{
	pid_t pid = fork();
	int status;

	need(pid >= 0, "fork");
	if (pid == 0) {
		execl("/bin/bash", "bash", "-c", command, (char *)NULL);
		_exit(126);
	}
	need(waitpid(pid, &status, 0) == pid, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
