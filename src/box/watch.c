/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "box/box.h"
#include "sandbox/inside.h"
#include "sandbox/spec_format.h"
#include "sandbox/verdict.h"

/* How often to look whether the kernel killed one of the program's processes: no event says so here. */
#define LOOK_US 20000

enum { ON_SIGNALS, ON_CONTROL, ON_OUT, ON_STDOUT, ON_STDERR, ON_ALL };

struct watch {
	struct program *program;
	const struct order *order;
	struct meter *meter;
	int signals;
	int box;
	int64_t started_ns;
	int64_t left[2]; /* bytes until the cap, by stream */
	int64_t rss;	 /* bytes, of the largest process */
	struct box_end end;
	bool gone; /* the main process */
};

static char chunk[BOX_FRAME_MAX];

static int64_t wall_us(const struct watch *w)
{
	return (clock_mono_ns() - w->started_ns) / 1000;
}

static void note_rss(struct watch *w, const struct rusage *r)
{
	if ((int64_t)r->ru_maxrss * 1024 > w->rss)
		w->rss = (int64_t)r->ru_maxrss * 1024;
}

/* ---- its end ---- */

/* Everybody who ended. As process 1 the box also inherits orphans. */
static void reap(struct watch *w)
{
	struct signalfd_siginfo seen;
	struct rusage used;
	int status;
	pid_t pid;

	/* Read before waiting: a child that ends in between makes it readable again. */
	(void)!read(w->signals, &seen, sizeof(seen));
	while ((pid = wait4(-1, &status, WNOHANG | __WALL, &used)) > 0) {
		note_rss(w, &used);
		if (pid != w->program->pid)
			continue;
		w->gone = true;
		w->end.ended = !w->end.killed;
		w->end.wait_status = status;
		w->end.wall_us = wall_us(w);
	}
}

/* One signal reaches them all: a process that forks meanwhile sees its own SIGKILL before the child exists.
 * ECHILD means that nobody is left. */
static void end_the_rest(struct watch *w)
{
	struct rusage used;

	(void)kill(-1, SIGKILL);
	for (;;) {
		pid_t pid = wait4(-1, NULL, __WALL, &used);

		if (pid > 0)
			note_rss(w, &used);
		else if (errno != EINTR)
			return;
	}
}

/* The first reason stays. A program that has ended by itself before is not stopped any more. */
static void stop(struct watch *w, enum wire_stop why)
{
	reap(w);
	if (w->gone || w->end.stop != WIRE_STOP_NONE)
		return;
	w->end.stop = why;
	w->end.killed = 1;
	w->end.wall_us = wall_us(w);
	(void)kill(-1, SIGKILL);
}

/* ---- its output ---- */

/* Reads once. Whether there may be more. */
static bool read_stream(struct watch *w, int which)
{
	size_t want = w->left[which] < (int64_t)sizeof(chunk) ? (size_t)w->left[which] + 1 : sizeof(chunk);
	int *fd = &w->program->streams[which];
	ssize_t n = read(*fd, chunk, want);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return errno == EINTR;
	if (n <= 0) {
		(void)close(*fd);
		*fd = -1;
		return false;
	}
	if (n > w->left[which]) {
		w->end.truncated[which] = 1;
		n = (ssize_t)w->left[which];
	}
	w->left[which] -= n;
	if (n > 0)
		out_frame(which ? BOX_STDERR : BOX_STDOUT, chunk, (size_t)n);
	return !w->end.truncated[which];
}

/* What is still in the pipes when every writer is dead. */
static void drain(struct watch *w)
{
	for (int i = 0; i < 2; i++) {
		while (w->program->streams[i] >= 0 && !w->end.truncated[i]) {
			if (!out_has_room())
				out_all();
			if (!read_stream(w, i))
				break;
		}
	}
}

/* ---- limits ---- */

static void look_at_memory(struct watch *w)
{
	bool own;

	if (meter_oom(w->meter, &own) && own)
		stop(w, WIRE_STOP_MEMORY);
}

/* Looks at every limit; returns the milliseconds until the next look. */
static int look(struct watch *w)
{
	const struct sandbox_limits *l = &w->order->head.limits;
	int64_t wall = wall_us(w), cpu = meter_cpu_us(w->meter), delay;

	look_at_memory(w);
	if (cpu > l->cpu_ms * 1000)
		stop(w, WIRE_STOP_CPU);
	if (wall > l->wall_ms * 1000)
		stop(w, WIRE_STOP_WALL);
	delay = verdict_cpu_check_us(l->cpu_ms * 1000, cpu, w->order->head.cpus);
	if (delay > l->wall_ms * 1000 - wall)
		delay = l->wall_ms * 1000 - wall;
	if (delay > LOOK_US)
		delay = LOOK_US;
	return delay > 0 ? (int)(delay / 1000) + 1 : 1;
}

static void read_control(struct watch *w)
{
	char byte;
	ssize_t n = read(STDIN_FILENO, &byte, 1);

	/* The engine is gone. With us everything here ends. */
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		_exit(1);
	if (n == 1 && byte == BOX_CANCEL)
		stop(w, WIRE_STOP_CANCELLED);
}

static void turn(struct watch *w)
{
	bool room = out_has_room();
	struct pollfd p[ON_ALL] = {
		[ON_SIGNALS] = { .fd = w->signals, .events = POLLIN },
		[ON_CONTROL] = { .fd = STDIN_FILENO, .events = POLLIN },
		[ON_OUT] = { .fd = out_is_empty() ? -1 : STDOUT_FILENO, .events = POLLOUT },
	};

	for (int i = 0; i < 2; i++) {
		bool wanted = room && !w->end.truncated[i];

		p[ON_STDOUT + i] =
			(struct pollfd){ .fd = wanted ? w->program->streams[i] : -1, .events = POLLIN };
	}
	if (poll(p, ON_ALL, look(w)) < 0)
		return;
	if (p[ON_CONTROL].revents)
		read_control(w);
	for (int i = 0; i < 2; i++) {
		if (p[ON_STDOUT + i].revents && out_has_room())
			(void)read_stream(w, i);
		if (w->end.truncated[i])
			stop(w, WIRE_STOP_OUTPUT);
	}
	out_some();
	reap(w);
}

/* ---- the report ---- */

static void send_file_set(struct watch *w, int set)
{
	struct stat st;

	if (fstat(set, &st) < 0)
		return;
	w->end.artifacts_len = (uint64_t)st.st_size;
	for (off_t at = 0; at < st.st_size;) {
		ssize_t n = pread(set, chunk, sizeof(chunk), at);

		if (n <= 0)
			out_broken("read the collected files", n < 0 ? errno : EIO);
		if (!out_has_room())
			out_all();
		out_frame(BOX_ARTIFACTS, chunk, (size_t)n);
		at += n;
	}
}

static void collect(struct watch *w)
{
	const struct slot_collect want = { .max_bytes = w->order->head.limits.disk_bytes,
					   .max_files = SPEC_FILES_MAX };
	struct err e;
	int set = collect_files(w->box, w->order->spec, &want, &e);

	if (set >= 0)
		send_file_set(w, set);
	else
		(void)snprintf(w->end.problem, sizeof(w->end.problem), "%.190s", e.msg);
}

/* An errno comes when the program could not be executed, nothing when it could. */
static void read_failure(struct watch *w)
{
	int error;

	if (read(w->program->failed, &error, sizeof(error)) == (ssize_t)sizeof(error))
		w->end.start_errno = error;
}

static _Noreturn void report(struct watch *w)
{
	struct box_end *end = &w->end;
	bool own;

	end_the_rest(w);
	drain(w);
	end->cpu_us = meter_cpu_us(w->meter);
	end->oom_killed = meter_oom(w->meter, &own);
	end->oom_own = own;
	end->memory_bytes = meter_peak(w->meter, w->rss);
	if (end->ended)
		read_failure(w);
	if (end->ended && !end->start_errno && WIFEXITED(end->wait_status) &&
	    WEXITSTATUS(end->wait_status) == 0 && (w->order->head.flags & BOX_COLLECT))
		collect(w);
	memcpy(end->nonce, w->order->head.nonce, sizeof(end->nonce));
	if (!out_has_room())
		out_all();
	out_frame(BOX_END, end, sizeof(*end));
	out_all();
	_exit(0);
}

void watch(struct program *p, const struct order *order, struct meter *meter, int signals, int box)
{
	static struct watch w;

	w = (struct watch){ .program = p, .order = order, .meter = meter, .signals = signals, .box = box };
	for (int i = 0; i < 2; i++)
		w.left[i] = order->head.output_bytes < 0 ? 0 : order->head.output_bytes;
	out_frame(BOX_STARTED, NULL, 0);
	out_some();
	w.started_ns = clock_mono_ns();
	if (write(p->go, "", 1) != 1)
		out_broken("the process that was to become the program is gone", 0);
	while (!w.gone)
		turn(&w);
	report(&w);
}
