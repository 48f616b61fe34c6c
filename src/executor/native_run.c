/* SPDX-License-Identifier: MIT */
#include "executor/native_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct native *run_native(const struct native_run *r)
{
	return native_of(r->run.executor);
}

struct native_run *native_run_new(struct native *n, int64_t output_cap, const struct exec_events *events,
				  void *arg)
{
	struct native_run *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->run.executor = &n->executor;
	r->id = ++n->last_run;
	r->events = events;
	r->arg = arg;
	for (int i = 0; i < 2; i++)
		stream_init(&r->streams[i], output_cap);
	list_push_back(&n->runs, &r->node);
	n->n_runs++;
	return r;
}

static void run_stop_reading(struct native_run *r, enum exec_stream which)
{
	if (r->started)
		(void)event_del(&r->readable[which]);
}

void native_run_free(struct native_run *r)
{
	run_native(r)->n_runs--;
	list_remove(&r->node);
	for (int i = 0; i < 2; i++) {
		run_stop_reading(r, (enum exec_stream)i);
		stream_done(&r->streams[i]);
	}
	free(r);
}

/* The run is gone when its listener is told, so that it may start the next one at once. */
void native_run_end(struct native_run *r, const struct exec_report *report)
{
	const struct exec_events *events = r->events;
	void *arg = r->arg;

	run_native(r)->stirred = true;
	native_run_free(r);
	events->done(report, arg);
}

void native_run_lost(struct native_run *r, bool refused, const char *problem)
{
	struct exec_report report = {
		.lost = true,
		.started = r->started,
		.refused = refused,
		.exit_code = -1,
		.artifacts_fd = -1,
	};

	(void)snprintf(report.problem, sizeof(report.problem), "%s", problem);
	native_run_end(r, &report);
}

struct native_run *native_run_find(struct native *n, uint64_t id)
{
	struct native_run *r;

	list_for_each (r, &n->runs, struct native_run, node) {
		if (r->id == id)
			return r;
	}
	return NULL;
}

/* Any failure but a full socket shows itself as its end, which the reading side handles. */
static void send_kill(struct native_run *r)
{
	struct native *n = run_native(r);
	struct wire_kill kill = {
		.head = { .type = WIRE_KILL, .size = sizeof(kill), .run = r->id },
		.stop = r->kill,
	};

	r->kill_unsent =
		n->blocked || (wire_send(n->sock, &kill, sizeof(kill), NULL, 0) < 0 && errno == EAGAIN);
	if (r->kill_unsent)
		native_wait_for_room(n);
}

void native_run_kill(struct native_run *r, enum wire_stop why)
{
	if (r->kill != WIRE_STOP_NONE || run_native(r)->sock < 0)
		return;
	r->kill = why;
	send_kill(r);
}

void native_run_flush(struct native_run *r)
{
	if (r->kill_unsent)
		send_kill(r);
}

/* ---- output ---- */

/* Reads once. Whether more may be there now. */
static bool run_read(struct native_run *r, enum exec_stream which)
{
	struct native *n = run_native(r);
	struct stream *s = &r->streams[which];
	size_t len;
	enum stream_read got = stream_read(s, n->chunk, sizeof(n->chunk), &len);

	if (len > 0 && r->events->output)
		r->events->output(which, n->chunk, len, r->arg);
	if (got == STREAM_ENDED || got == STREAM_FULL)
		run_stop_reading(r, which);
	/* Not closed at the cap: SIGPIPE would race with the kill for how the program ends. */
	if (got == STREAM_ENDED)
		stream_done(s);
	return got == STREAM_READ;
}

static void on_output(struct native_run *r, enum exec_stream which)
{
	(void)run_read(r, which);
	if (r->streams[which].truncated)
		native_run_kill(r, WIRE_STOP_OUTPUT);
}

static void on_stdout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	on_output(arg, EXEC_STDOUT);
}

static void on_stderr(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	on_output(arg, EXEC_STDERR);
}

/* A pipe is empty or at its end now: nobody waits for the end of the file. */
void native_run_drain(struct native_run *r)
{
	for (int i = 0; i < 2; i++) {
		while (r->streams[i].fd >= 0 && run_read(r, (enum exec_stream)i))
			;
	}
}

int native_run_started(struct native_run *r, int stdout_fd, int stderr_fd, struct err *e)
{
	static const event_callback_fn callbacks[2] = { on_stdout, on_stderr };
	bool opened;

	for (int i = 0; i < 2; i++) {
		run_stop_reading(r, (enum exec_stream)i);
		stream_done(&r->streams[i]);
	}
	opened = stream_open(&r->streams[EXEC_STDOUT], stdout_fd);
	opened = stream_open(&r->streams[EXEC_STDERR], stderr_fd) && opened;
	if (!opened)
		return err_set(e, ERR_CORRUPT, errno, "the spawner passed a pipe that cannot be read");
	r->started = true;
	for (int i = 0; i < 2; i++) {
		(void)event_assign(&r->readable[i], run_native(r)->base, r->streams[i].fd,
				   EV_READ | EV_PERSIST, callbacks[i], r);
		(void)event_add(&r->readable[i], NULL);
	}
	return 0;
}
