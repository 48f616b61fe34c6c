/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sandbox/fdmsg.h"
#include "sandbox/inside.h"
#include "sandbox/spec.h"

struct loop {
	int report;
	int signals;
	int box;
	pid_t main_pid;
	pid_t feeder; /* -1: there is none, or no more */
	const char *source;
	struct feed feed;
	bool feeding;
	struct slot_collect want;
	int spec; /* -1 until a collect order came */
};

/* A closed socket means that the spawner is gone; with us the whole slot ends. */
static void receive_order(struct loop *l)
{
	int spec;
	size_t n = 1;
	ssize_t len = fdmsg_receive(l->report, &l->want, sizeof(l->want), &spec, &n);

	if (len < 0 && errno == EAGAIN)
		return;
	if (len != (ssize_t)sizeof(l->want) || n != 1 || !spec_is_sealed(spec))
		_exit(1);
	if (l->spec >= 0)
		(void)close(l->spec);
	l->spec = spec;
}

/* One signal reaches them all: a process that forks meanwhile sees its own SIGKILL before the child exists.
 * The orphans become ours, so ECHILD means that nobody is left. */
static void end_the_rest(void)
{
	(void)kill(-1, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
		;
}

static int collect(struct loop *l, struct slot_report *r)
{
	struct err e;
	int set;

	if (l->spec < 0)
		receive_order(l); /* sent before go, but perhaps not seen yet */
	if (l->spec < 0)
		return -1;
	set = collect_files(l->box, l->spec, &l->want, &e);
	if (set < 0) {
		r->error = e.sys ? e.sys : EFBIG;
		snprintf(r->step, sizeof(r->step), "%.60s", e.msg);
	}
	r->artifacts = set >= 0;
	return set;
}

static _Noreturn void finish(struct loop *l, int status)
{
	struct slot_report r = { .type = SLOT_ENDED,
				 .wait_status = status,
				 .ended_mono_ns = clock_mono_ns() };
	int set = -1;

	end_the_rest();
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		set = collect(l, &r);
	(void)fdmsg_send(l->report, &r, sizeof(r), &set, set >= 0);
	_exit(0);
}

/* With it gone the program may begin. If it failed it has said why, and the program never began: the status
 * is that of a plain slot's job process that could not become the program. */
static void release(struct loop *l, int status)
{
	l->feeder = -1;
	if (WIFSIGNALED(status))
		report_and_exit(l->report, SLOT_BROKEN, 0, "the feeder was killed");
	if (status == 0 && feed_load(&l->feed, l->box, l->source) == 0) {
		l->feeding = !feed_pump(&l->feed);
		return;
	}
	if (status == 0)
		report_send(l->report, SLOT_EXEC_FAILED, errno, "read the main file");
	finish(l, W_EXITCODE(127, 0));
}

/* A warm interpreter that somebody killed before it read the first byte of its program: another slot can
 * still run that. (A program that puts back what it has read and kills itself gets to run twice, no more.) */
static bool never_began(const struct loop *l, int status)
{
	return l->source && (l->feeder > 0 || (WIFSIGNALED(status) && feed_is_untouched(&l->feed)));
}

static void reap(struct loop *l)
{
	struct signalfd_siginfo seen;
	int status;
	pid_t pid;

	/* Read before waiting: a child that ends in between makes it readable again. */
	if (read(l->signals, &seen, sizeof(seen)) < 0 && errno != EAGAIN)
		_exit(1);
	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		if (pid == l->main_pid && never_began(l, status))
			report_and_exit(l->report, SLOT_BROKEN, 0,
					"the interpreter ended before it had a program");
		if (pid == l->main_pid)
			finish(l, status);
		if (pid == l->feeder)
			release(l, status);
	}
}

_Noreturn void init_loop(const struct init_work *work)
{
	struct loop l = {
		.report = work->report,
		.signals = work->signals,
		.box = work->box,
		.main_pid = work->main_pid,
		.feeder = work->feeder,
		.source = work->source,
		.feed = { .fifo = work->fifo, .unread = work->unread },
		.spec = -1,
	};
	struct pollfd watched[] = {
		{ .fd = work->signals, .events = POLLIN },
		{ .fd = work->report, .events = POLLIN },
		{ .events = POLLOUT },
	};

	for (;;) {
		watched[2].fd = l.feeding ? l.feed.fifo : -1;
		if (poll(watched, 3, -1) < 0 && errno != EINTR)
			_exit(1);
		if (watched[0].revents)
			reap(&l);
		if (watched[1].revents)
			receive_order(&l);
		if (l.feeding && watched[2].revents)
			l.feeding = !feed_pump(&l.feed);
	}
}
