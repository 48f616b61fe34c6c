/* SPDX-License-Identifier: MIT */
/*
 * Process 1 of a slot, still root until restrict_init. Up to the fork it trusts only what the spawner
 * prepared before clone3; after it, it shares the slot with code nobody has read and holds one socket, one
 * directory, one capability and, in a warm slot, the FIFO that the program has been read from.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

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

struct child {
	pid_t job;
	int told; /* a socket: what the two have to say to each other before the slot is ready */
};

static int fork_job(const struct slot_plan *p, struct handover *handover, struct child *ret)
{
	int ends[2], result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	ret->job = fork();
	if (ret->job == 0)
		job_main(p, ends[1]);
	result = ret->job < 0 ? -1 : 0;
	if (ret->job > 0 && p->warm)
		result = handover_post_doorman(handover, ends[1], ends[0]);
	(void)close(ends[1]);
	ret->told = ends[0];
	return result;
}

static void wait_for_job(const struct child *c)
{
	char byte;

	if (read(c->told, &byte, 1) != 1)
		_exit(1); /* the child has told why */
	(void)close(c->told);
}

/* The interpreter opens its main file, or ends before. */
static void wait_for_interpreter(const struct slot_plan *p, const struct child *c, struct handover *h,
				 int signals)
{
	struct pollfd watched[] = { { .fd = c->told, .events = POLLIN },
				    { .fd = signals, .events = POLLIN } };

	while (poll(watched, 2, -1) < 0) {
		if (errno != EINTR)
			_exit(1);
	}
	if (!watched[0].revents)
		report_and_exit(p->report, SLOT_BROKEN, 0, "the interpreter ended before it read its file");
	if (handover_arrived(h, c->told) < 0)
		report_and_exit(p->report, SLOT_BROKEN, errno, "open the main file's FIFO");
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

/* The pipes' write ends above all go: their readers wait for the end of the program's output. */
static void keep_only_work(struct init_work *w, int *told, int *netns)
{
	int *fds[8] = { &w->report, &w->signals, &w->box, told };
	size_t n = 4;

	if (*netns >= 0)
		fds[n++] = netns;
	if (w->handover) {
		fds[n++] = &w->handover->go;
		fds[n++] = &w->handover->input;
		fds[n++] = &w->handover->status;
	}
	lowfds_keep(fds, n);
	if (w->handover)
		w->handover->box = w->box;
	(void)close_range(0, 2, 0);
}

_Noreturn void slot_main(const struct slot_plan *plan)
{
	struct slot_plan p = *plan;
	struct handover handover = { 0 };
	struct init_work work;
	struct child c;
	struct err e;
	int netns;

	p.input = -1;
	keep_only_the_plan(&p);
	build(&p);
	(void)umask(022);
	work = (struct init_work){
		.report = p.report,
		.signals = block_signals(),
		.box = open("/box", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
		.handover = p.warm ? &handover : NULL,
	};
	if (work.signals < 0 || work.box < 0 || (p.warm && handover_prepare(&handover, &p, work.box) < 0))
		report_and_exit(p.report, SLOT_BROKEN, errno, "prepare init");
	if (p.warm)
		p.input = handover.input;
	if (fork_job(&p, &handover, &c) < 0)
		report_and_exit(p.report, SLOT_BROKEN, errno, "fork");
	work.main_pid = c.job;
	if (p.warm && handover_meet(&handover, c.told) < 0)
		_exit(1); /* the child has told why */

	netns = open_new_netns(&p);
	keep_only_work(&work, &c.told, &netns);
	p.report = work.report;
	if (restrict_init(&p, &e) < 0)
		report_and_exit(p.report, SLOT_BROKEN, 0, e.msg);
	if (p.warm)
		wait_for_interpreter(&p, &c, &handover, work.signals);
	else
		wait_for_job(&c);
	tell_ready(&p, netns);
	init_loop(&work);
}
