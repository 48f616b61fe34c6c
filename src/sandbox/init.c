/* SPDX-License-Identifier: MIT */
/*
 * Process 1 of a slot, still root until restrict_init. Up to the fork it trusts only what the spawner
 * prepared before clone3; after it, it shares the slot with code nobody has read and holds one socket, one
 * directory and one capability.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "sandbox/inside.h"
#include "sandbox/lowfds.h"

static void keep_only_the_plan(struct slot_plan *p)
{
	int *fds[5 + SLOT_MAX_CGROUPS] = { &p->report, &p->go, &p->stdout_fd, &p->stderr_fd, &p->box_mount };
	size_t n = 5;

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
		report_and_exit(p->report, SLOT_BROKEN, e.sys, e.msg);
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

static pid_t fork_job(const struct slot_plan *p, int signals, int box, int *ret_restricted)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		(void)close(signals);
		(void)close(box);
		(void)close(ends[0]);
		job_main(p, ends[1]);
	}
	(void)close(ends[1]);
	*ret_restricted = ends[0];
	return pid;
}

_Noreturn void slot_main(const struct slot_plan *plan)
{
	struct slot_plan p = *plan;
	int signals, box, restricted;
	struct err e;
	char byte;
	pid_t job;

	keep_only_the_plan(&p);
	build(&p);
	signals = block_signals();
	box = open("/box", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (signals < 0 || box < 0)
		report_and_exit(p.report, SLOT_BROKEN, errno, "prepare init");
	job = fork_job(&p, signals, box, &restricted);
	if (job < 0)
		report_and_exit(p.report, SLOT_BROKEN, errno, "fork");

	/* The pipes' write ends above all: their readers wait for the end of the program's output. */
	lowfds_keep((int *[]){ &p.report, &signals, &box, &restricted }, 4);
	(void)close_range(0, 2, 0);
	if (restrict_init(&p, &e) < 0)
		report_and_exit(p.report, SLOT_BROKEN, e.sys, e.msg);
	if (read(restricted, &byte, 1) != 1)
		_exit(1); /* the job process has told why */
	(void)close(restricted);
	report_send(p.report, SLOT_READY, 0, "");
	init_loop(p.report, signals, box, job);
}
