/* SPDX-License-Identifier: MIT */
/*
 * Process 1 of a slot, still root until restrict_init. Up to the fork it trusts only what the spawner
 * prepared before clone3; after it, it shares the slot with code nobody has read and holds one socket, one
 * directory, one capability and, in a warm slot until the program has been read, one end of a FIFO.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/beneath.h"
#include "sandbox/fdmsg.h"
#include "sandbox/inside.h"
#include "sandbox/lowfds.h"
#include "sandbox/spec_format.h"

static void keep_only_the_plan(struct slot_plan *p)
{
	int *fds[6 + SLOT_MAX_CGROUPS] = { &p->report, &p->go, &p->stdout_fd, &p->stderr_fd, &p->box_mount };
	size_t n = 5;

	if (p->netns >= 0)
		fds[n++] = &p->netns;
	for (int i = 0; i < SLOT_MAX_CGROUPS && p->cgroup_procs[i] >= 0; i++)
		fds[n++] = &p->cgroup_procs[i];
	lowfds_keep(fds, n);
}

static void build(const struct slot_plan *p)
{
	struct err e;

	/* If the spawner died before this line, no signal comes; then the report socket is at its end, and
	 * init_loop and the job process see that. getppid says nothing here: the parent is outside. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		report_and_exit(p->report, SLOT_BROKEN, errno, "prctl");
	if (slot_namespaces(p, &e) < 0 || slot_mounts(p, &e) < 0)
		report_and_exit(p->report, SLOT_BROKEN, 0, e.msg);
}

/* SIGCHLD before the fork, so that none is missed; the rest, because nothing is to interrupt us. */
static int block_signals(void)
{
	sigset_t all, child;

	sigfillset(&all);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return -1;
	return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

struct children {
	pid_t job, feeder;
	int told; /* one byte comes when the slot can take a run */
};

/* Before the filter, and with a pid far from those that the program's own children get: it must not be able
 * to count that there was one more. The number is below those the kernel gives when it begins anew. */
static pid_t fork_feeder(void)
{
	pid_t pid = 299;
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int fork_children(const struct slot_plan *p, struct children *ret)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	ret->feeder = -1;
	ret->job = fork();
	if (ret->job == 0)
		job_main(p, ends[1]);
	if (ret->job > 0 && p->warm) {
		ret->feeder = fork_feeder();
		if (ret->feeder == 0)
			feeder_main(p, ends[1], ret->job);
	}
	(void)close(ends[1]);
	ret->told = ends[0];
	return ret->job < 0 || (p->warm && ret->feeder < 0) ? -1 : 0;
}

/* What a warm slot has beside a plain one. */
static int prepare_warm(struct slot_plan *p, int box)
{
	p->input = spec_create();
	if (p->input < 0 || mkfifoat(box, p->warm->source, 0600) < 0)
		return -1;
	return fchownat(box, p->warm->source, p->job_uid, (gid_t)p->job_uid, AT_SYMLINK_NOFOLLOW);
}

/* The interpreter opens its main file, or ends before. */
static void wait_until_ready(const struct slot_plan *p, const struct children *c, int signals)
{
	struct pollfd watched[] = { { .fd = c->told, .events = POLLIN },
				    { .fd = p->warm ? signals : -1, .events = POLLIN } };
	char byte;

	while (poll(watched, 2, -1) < 0) {
		if (errno != EINTR)
			_exit(1);
	}
	if (!watched[0].revents)
		report_and_exit(p->report, SLOT_BROKEN, 0, "the interpreter ended before it read its file");
	if (read(c->told, &byte, 1) != 1)
		_exit(1); /* the child has told why */
	(void)close(c->told);
}

static int open_fifo(const struct slot_plan *p, int box, int flags)
{
	int fd = p->warm ? open_beneath(box, p->warm->source, flags, 0) : -1;

	if (p->warm && fd < 0)
		report_and_exit(p->report, SLOT_BROKEN, errno, "open the main file's FIFO");
	return fd;
}

/* The spawner gets what it does not have yet, while this process is nobody's but ours. */
static int open_new_netns(const struct slot_plan *p)
{
	int fd = p->netns < 0 ? open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) : -1;

	if (p->netns < 0 && fd < 0)
		report_and_exit(p->report, SLOT_BROKEN, errno, "open the network namespace");
	return fd;
}

static void tell_ready(const struct slot_plan *p, int new_netns)
{
	const struct slot_report r = { .type = SLOT_READY };

	(void)fdmsg_send(p->report, &r, sizeof(r), &new_netns, new_netns >= 0);
	if (new_netns >= 0)
		(void)close(new_netns);
}

_Noreturn void slot_main(const struct slot_plan *plan)
{
	struct slot_plan p = *plan;
	struct init_work work;
	int signals, box, netns;
	struct children c;
	struct err e;

	p.input = -1;
	keep_only_the_plan(&p);
	build(&p);
	signals = block_signals();
	box = open("/box", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (signals < 0 || box < 0 || (p.warm && prepare_warm(&p, box) < 0))
		report_and_exit(p.report, SLOT_BROKEN, errno, "prepare init");
	if (fork_children(&p, &c) < 0)
		report_and_exit(p.report, SLOT_BROKEN, errno, "fork");

	netns = open_new_netns(&p);
	/* The pipes' write ends above all: their readers wait for the end of the program's output. */
	lowfds_keep((int *[]){ &p.report, &signals, &box, &c.told, &netns }, netns >= 0 ? 5 : 4);
	(void)close_range(0, 2, 0);
	if (restrict_init(&p, &e) < 0)
		report_and_exit(p.report, SLOT_BROKEN, 0, e.msg);
	wait_until_ready(&p, &c, signals);
	work = (struct init_work){
		.report = p.report,
		.signals = signals,
		.box = box,
		.main_pid = c.job,
		.feeder = c.feeder,
		.fifo = open_fifo(&p, box, O_WRONLY),
		.unread = open_fifo(&p, box, O_RDONLY),
		.source = p.warm ? p.warm->source : NULL,
	};
	tell_ready(&p, netns);
	init_loop(&work);
}
