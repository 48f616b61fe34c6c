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
	struct handover *handover; /* NULL: a plain slot */
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

/* If it fails the program never begins: the status is that of a plain slot's job process that could not
 * become the program. */
static void take_request(struct loop *l)
{
	if (handover_take(l->handover, l->report) < 0)
		finish(l, W_EXITCODE(127, 0));
}

/* A warm interpreter that somebody killed before it read the first byte of its program: another slot can
 * still run that. (A program that puts back what it has read and kills itself gets to run twice, no more.) */
static bool never_began(const struct loop *l, int status)
{
	return l->handover &&
	       (l->handover->go >= 0 || (WIFSIGNALED(status) && handover_is_untouched(l->handover)));
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
	}
}

/* What the loop waits for, of a warm slot: a request, or room in the FIFO. */
static void watch_handover(const struct handover *h, struct pollfd *go, struct pollfd *fifo)
{
	go->fd = h ? h->go : -1;
	fifo->fd = h && h->go < 0 ? h->fifo : -1;
}

_Noreturn void init_loop(const struct init_work *work)
{
	struct loop l = {
		.report = work->report,
		.signals = work->signals,
		.box = work->box,
		.main_pid = work->main_pid,
		.handover = work->handover,
		.spec = -1,
	};
	struct pollfd watched[] = {
		{ .fd = work->signals, .events = POLLIN },
		{ .fd = work->report, .events = POLLIN },
		{ .events = POLLIN },
		{ .events = POLLOUT },
	};

	for (;;) {
		watch_handover(l.handover, &watched[2], &watched[3]);
		if (poll(watched, 4, -1) < 0 && errno != EINTR)
			_exit(1);
		if (watched[0].revents)
			reap(&l);
		if (watched[1].revents)
			receive_order(&l);
		if (watched[2].revents)
			take_request(&l);
		if (watched[3].revents)
			handover_pump(l.handover);
	}
}
