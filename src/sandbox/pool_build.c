/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/closer.h"
#include "sandbox/defence.h"
#include "sandbox/lowfds.h"
#include "sandbox/spawner.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* The program may open /dev/stdout again, but must not read what it, or rather somebody else, wrote. */
static int make_pipe(int *ret_read, int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	*ret_read = fds[0];
	*ret_write = fds[1];
	return fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ||
			       fchmod(fds[1], defence_is_off(DEFENCE_PIPE_MODES) ? 0666 : 0222) < 0
		       ? -1
		       : 0;
}

static int make_pair(int *ret_ours, int *ret_theirs)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	*ret_ours = fds[0];
	*ret_theirs = fds[1];
	return 0;
}

static int make_channels(struct pool_slot *slot, struct slot_plan *plan, struct err *e)
{
	if (make_pipe(&slot->stdout_fd, &plan->stdout_fd) < 0 ||
	    make_pipe(&slot->stderr_fd, &plan->stderr_fd) < 0)
		return err_set(e, ERR_IO, errno, "make the output pipes");
	if (make_pair(&slot->report, &plan->report) < 0 || make_pair(&slot->go, &plan->go) < 0)
		return err_set(e, ERR_IO, errno, "make the slot's sockets");
	return 0;
}

static void close_inner(struct slot_plan *plan)
{
	close_fd(&plan->report);
	close_fd(&plan->go);
	close_fd(&plan->stdout_fd);
	close_fd(&plan->stderr_fd);
	close_fd(&plan->box_mount); /* the network namespace stays with the slot */
	for (size_t i = 0; i < SLOT_MAX_CGROUPS && plan->cgroup_procs[i] >= 0; i++)
		close_fd(&plan->cgroup_procs[i]);
}

/* In the cloned process. */
static _Noreturn void become_slot(struct slot_plan *plan)
{
	int *keep[LOWFDS_MAX];
	sigset_t none;
	size_t n = 0;

	closer_leave();
	/* Standard input is /dev/null since the start; the log is no business of a slot's. */
	(void)dup2(STDIN_FILENO, STDOUT_FILENO);
	(void)dup2(STDIN_FILENO, STDERR_FILENO);
	keep[n++] = &plan->report;
	keep[n++] = &plan->go;
	keep[n++] = &plan->stdout_fd;
	keep[n++] = &plan->stderr_fd;
	keep[n++] = &plan->box_mount;
	if (plan->netns >= 0)
		keep[n++] = &plan->netns;
	for (size_t i = 0; i < SLOT_MAX_CGROUPS && plan->cgroup_procs[i] >= 0; i++)
		keep[n++] = &plan->cgroup_procs[i];
	lowfds_keep(keep, n);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	slot_main(plan);
}

/* Returns the pidfd, or -1 with errno. */
static int clone_slot(struct slot_plan *plan, int into_cgroup)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_NEWPID | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid;

	if (into_cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)into_cgroup;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		become_slot(plan);
	return pid < 0 ? -1 : pidfd;
}

static int watch_all(struct spawner *s, const struct pool_slot *slot, struct err *e)
{
	if (spawner_watch(s, slot->pidfd, EPOLLIN, EVENT_DEATH, slot->index) < 0 ||
	    spawner_watch(s, slot->report, EPOLLIN, EVENT_REPORT, slot->index) < 0)
		return err_set(e, ERR_IO, errno, "watch a slot");
	if (slot->groups.oom >= 0 &&
	    spawner_watch(s, slot->groups.oom, slot->groups.oom_events, EVENT_OOM, slot->index) < 0)
		return err_set(e, ERR_IO, errno, "watch a slot's memory");
	return 0;
}

static int build(struct spawner *s, struct pool_slot *slot, struct slot_plan *plan, struct err *e)
{
	int procs[CGROUP_MAX_TREES + 1];

	_Static_assert(CGROUP_MAX_TREES < SLOT_MAX_CGROUPS, "the list and its end fit");
	if (make_channels(slot, plan, e) < 0 || cgroup_box_procs(&slot->groups, procs, e) < 0)
		return -1;
	for (size_t i = 0; i <= CGROUP_MAX_TREES; i++) {
		plan->cgroup_procs[i] = procs[i];
		if (procs[i] < 0)
			break;
	}
	if (box_create(plan, s->config->usual.disk_bytes, &plan->box_mount, &slot->context, e) < 0)
		return -1;
	slot->pidfd = clone_slot(plan, cgroup_box_into(&slot->groups));
	if (slot->pidfd < 0)
		return err_set(e, ERR_IO, errno, "clone a slot");
	return watch_all(s, slot, e);
}

static uid_t job_uid(const struct spawner *s, uint32_t index)
{
	bool one = s->config->ids == SANDBOX_IDS_ONE || defence_is_off(DEFENCE_SLOT_UID);

	return s->instance.uid_base + (one ? 0 : index);
}

static uid_t init_uid(const struct spawner *s, uint32_t index)
{
	return s->config->ids == SANDBOX_IDS_ONE ? s->instance.uid_base
						 : s->instance.uid_base + INSTANCE_INIT_UIDS + index;
}

static int build_slot(struct spawner *s, struct pool_slot *slot, const int *dirs, struct err *e)
{
	const struct cgroup_limits limits = {
		.memory_bytes = s->config->usual.memory_bytes,
		.processes = s->config->usual.processes,
		/* What all CPUs give at most needs no limit, and the kernel charges for each it keeps. */
		.millicpus = s->config->slot_millicpus < s->cpus * 1000 ? s->config->slot_millicpus : 0,
		.background = slot->warm > 0, /* until its run begins */
	};
	struct slot_plan plan = {
		.index = slot->index,
		.job_uid = job_uid(s, slot->index),
		.init_uid = init_uid(s, slot->index),
		.report = -1,
		.go = -1,
		.stdout_fd = -1,
		.stderr_fd = -1,
		.netns = slot->netns,
		.box_mount = -1,
		.cgroup_procs = { -1 },
		.filter = &s->job_filter,
		.init_filter = &s->init_filter,
		.warm = slot->warm ? &s->config->warm[slot->warm - 1] : NULL,
		.warm_file_bytes = s->config->usual.file_bytes,
		.warm_cpu_seconds = run_cpu_seconds(s, &s->config->usual),
		.ids = (enum sandbox_ids)s->config->ids,
	};
	int result;

	if (defence_is_off(DEFENCE_INIT_UID))
		plan.init_uid = plan.job_uid;
	if (cgroup_box_open(&slot->groups, &s->layout, dirs, &limits, e) < 0)
		return -1;
	result = build(s, slot, &plan, e);
	close_inner(&plan);
	return result;
}

int pool_build(struct spawner *s, struct pool_slot *slot, const int *dirs, struct err *e)
{
	slot->netns = s->n_netns > 0 ? s->netns[--s->n_netns] : -1;
	return build_slot(s, slot, dirs, e);
}
