/* SPDX-License-Identifier: MIT */
#include "executor/native_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "executor/request.h"

#define MESSAGES_A_TURN 64

static_assert((int)EXEC_STOP_WALL == (int)WIRE_STOP_WALL && (int)EXEC_STOP_CPU == (int)WIRE_STOP_CPU &&
		      (int)EXEC_STOP_OUTPUT == (int)WIRE_STOP_OUTPUT &&
		      (int)EXEC_STOP_MEMORY == (int)WIRE_STOP_MEMORY &&
		      (int)EXEC_STOP_CANCELLED == (int)WIRE_STOP_CANCELLED,
	      "report.stop is taken from the wire as it is");

static void tell_capacity(struct native *n)
{
	struct executor *x = &n->executor;

	if (n->stirred && x->capacity_changed) {
		n->stirred = false;
		x->capacity_changed(x->capacity_arg);
	}
}

/* ---- sending ---- */

void native_wait_for_room(struct native *n)
{
	n->blocked = true;
	(void)event_add(&n->writable, NULL);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct native *n = arg;
	struct native_run *r;

	(void)fd;
	(void)what;
	n->blocked = false;
	list_for_each (r, &n->runs, struct native_run, node) {
		native_run_flush(r);
	}
	n->stirred = true;
	tell_capacity(n);
}

static struct sandbox_limits wire_limits(const struct limits *l)
{
	return (struct sandbox_limits){
		.cpu_ms = l->cpu_ms,
		.wall_ms = l->wall_ms,
		.memory_bytes = l->memory_bytes,
		.processes = l->processes,
		.file_bytes = l->file_bytes,
		.disk_bytes = l->disk_bytes,
	};
}

static int send_run(struct native *n, uint64_t id, const struct exec_spec *spec, int spec_fd)
{
	struct wire_run run = {
		.head = { .type = WIRE_RUN, .size = sizeof(run), .run = id },
		.limits = wire_limits(&spec->limits),
		.warm = spec->warm,
	};
	int fds[WIRE_MAX_FDS] = { spec_fd };
	size_t n_fds = 1;

	if (spec->stdin_fd >= 0) {
		run.flags |= WIRE_RUN_STDIN;
		fds[n_fds++] = spec->stdin_fd;
	}
	if (spec->artifacts_fd >= 0) {
		run.flags |= WIRE_RUN_ARTIFACTS;
		fds[n_fds++] = spec->artifacts_fd;
	}
	if (spec->collect && spec->collect[0])
		run.flags |= WIRE_RUN_COLLECT;
	return wire_send(n->sock, &run, sizeof(run), fds, n_fds);
}

static int start_failed(struct native *n, int error, struct err *e)
{
	if (error == EPIPE || error == ECONNRESET || error == ENOTCONN)
		return err_set(e, ERR_BUSY, 0, "the spawner is gone; a new one is being started");
	if (error != EAGAIN)
		return err_set(e, ERR_IO, error, "ask the spawner for a run");
	native_wait_for_room(n);
	return err_set(e, ERR_BUSY, 0, "the spawner has too many requests waiting");
}

/* ---- the executor's operations ---- */

static void native_capacity(struct executor *x, struct exec_capacity *ret)
{
	struct native *n = native_of(x);
	unsigned ready = 0;

	*ret = (struct exec_capacity){ .busy = n->n_runs };
	if (n->sock < 0 || !n->greeted)
		return;
	if (!n->blocked && n->state.ready > n->claimed)
		ready = n->state.ready - n->claimed;
	if (n->n_runs >= n->slots)
		ready = 0;
	else if (ready > n->slots - n->n_runs)
		ready = n->slots - n->n_runs;
	ret->slots = n->slots;
	ret->ready = ready;
	ret->broken = n->state.broken;
}

static struct exec_run *native_start(struct executor *x, const struct exec_spec *spec,
				     const struct exec_events *events, void *arg, struct err *e)
{
	struct native *n = native_of(x);
	struct exec_capacity capacity;
	struct native_run *r;
	AUTO_CLOSE int spec_fd = -1;

	assert(spec->argv && spec->argv[0]);
	native_capacity(x, &capacity);
	if (capacity.ready == 0) {
		err_set(e, ERR_BUSY, 0, n->sock < 0 ? "there is no spawner" : "all slots are taken");
		return NULL;
	}
	spec_fd = request_spec(spec, e);
	if (spec_fd < 0)
		return NULL;
	r = native_run_new(n, spec->limits.output_bytes, events, arg);
	if (!r) {
		err_set(e, ERR_IO, ENOMEM, "start a run");
		return NULL;
	}
	if (send_run(n, r->id, spec, spec_fd) < 0) {
		start_failed(n, errno, e);
		native_run_free(r);
		return NULL;
	}
	n->claimed++;
	r->warm = spec->warm;
	return &r->run;
}

static void native_warm(struct executor *x, unsigned warm, struct exec_warm *ret)
{
	if (warm > 0 && warm <= SANDBOX_MAX_WARM)
		*ret = native_of(x)->warm[warm - 1];
}

static void native_cancel(struct exec_run *run)
{
	native_run_kill((struct native_run *)(void *)run, WIRE_STOP_CANCELLED);
}

static void close_socket(struct native *n)
{
	if (n->sock < 0)
		return;
	(void)event_del(&n->readable);
	(void)event_del(&n->writable);
	(void)close(n->sock);
	n->sock = -1;
	n->greeted = n->blocked = false;
	n->claimed = 0;
	n->state = (struct wire_state){ 0 };
}

static void native_free(struct executor *x)
{
	struct native *n = native_of(x);
	struct native_run *r;

	close_socket(n); /* the spawner kills the slots of an engine that is gone */
	list_for_each (r, &n->runs, struct native_run, node)
		native_run_free(r);
	free(n);
}

/* ---- receiving: each returns -1 when the spawner broke the protocol ---- */

static int on_hello(struct native *n, const struct wire_message *m, struct err *e)
{
	const struct wire_hello *hello = &m->hello;

	if (n->greeted)
		return err_set(e, ERR_CORRUPT, 0, "the spawner said hello twice");
	if (strncmp(hello->version, CODECRUSHER_VERSION, sizeof(hello->version)) != 0)
		return err_set(e, ERR_CORRUPT, 0,
			       "the spawner is of version %.32s, this is " CODECRUSHER_VERSION
			       ": install both from one build",
			       hello->version);
	n->greeted = true;
	sandbox_weakness_list(hello->weak, n->weak);
	n->executor.weak = n->weak;
	n->slots = hello->slots;
	if (n->options.slots > 0 && n->options.slots < n->slots)
		n->slots = n->options.slots;
	n->stirred = true;
	if (n->options.attached)
		n->options.attached(n->slots, hello->weak, n->options.arg);
	return 0;
}

static void on_state(struct native *n, const struct wire_message *m)
{
	struct native_run *r;

	n->state = m->state;
	n->claimed = 0;
	/* The socket keeps the order: a run that has been answered before is in these counts. */
	list_for_each (r, &n->runs, struct native_run, node) {
		if (!r->started)
			n->claimed++;
	}
	n->stirred = true;
}

static void count_warm(struct native *n, struct native_run *r, const struct wire_started *started)
{
	bool warm = started->flags & WIRE_STARTED_WARM;

	r->in_warm = warm;
	if (r->warm == 0 || r->warm > SANDBOX_MAX_WARM)
		return;
	n->warm[r->warm - 1].hits += warm;
	n->warm[r->warm - 1].misses += !warm;
	n->warm[r->warm - 1].waited_us += warm ? started->waited_us : 0;
}

static int on_started(struct native *n, struct native_run *r, struct wire_message *m, struct err *e)
{
	bool warm = m->started.flags & WIRE_STARTED_WARM;

	if (r->started && (warm || !r->in_warm))
		return err_set(e, ERR_CORRUPT, 0, "the spawner started a run twice");
	count_warm(n, r, &m->started);
	m->n_fds = 0; /* taken over */
	return native_run_started(r, m->fds[0], m->fds[1], e);
}

static void on_done(struct native_run *r, struct wire_message *m)
{
	const struct wire_done *done = &m->done;
	struct exec_report report = {
		.lost = done->flags & WIRE_DONE_LOST,
		.started = r->started || done->flags & WIRE_DONE_STARTED,
		.stop = (enum exec_stop)done->stop,
		.start_errno = done->start_errno,
		.exit_code = done->exit_code,
		.signal = done->signal,
		.cpu_us = done->cpu_us,
		.wall_us = done->wall_us,
		.memory_bytes = done->memory_bytes,
		.artifacts_fd = -1,
	};

	(void)snprintf(report.problem, sizeof(report.problem), "%.*s", (int)sizeof(done->problem) - 1,
		       done->problem);
	native_run_drain(r);
	for (int i = 0; i < 2; i++)
		report.truncated[i] = r->streams[i].truncated;
	/* It ended by itself before the kill came, or everything beyond the cap was still in the pipe. */
	if (report.stop == EXEC_STOP_NONE && (report.truncated[0] || report.truncated[1]))
		report.stop = EXEC_STOP_OUTPUT;
	if (m->n_fds == 1 && !request_set_is_empty(m->fds[0])) {
		report.artifacts_fd = m->fds[0];
		m->n_fds = 0; /* taken over */
	}
	native_run_end(r, &report);
}

static int on_refused(struct native *n, struct native_run *r, const struct wire_message *m, struct err *e)
{
	char reason[sizeof(m->refused.reason)];

	if (r->started)
		return err_set(e, ERR_CORRUPT, 0, "the spawner refused a run it had started");
	(void)snprintf(reason, sizeof(reason), "%.*s", (int)sizeof(reason) - 1, m->refused.reason);
	if (n->claimed > 0)
		n->claimed--;
	native_run_lost(r, true, reason);
	return 0;
}

static int on_run_message(struct native *n, struct wire_message *m, struct err *e)
{
	struct native_run *r = native_run_find(n, m->head.run);

	if (!r)
		return err_set(e, ERR_CORRUPT, 0, "the spawner named a run that does not exist");
	if (m->head.type == WIRE_STARTED)
		return on_started(n, r, m, e);
	if (m->head.type == WIRE_REFUSED)
		return on_refused(n, r, m, e);
	if (m->done.stop > WIRE_STOP_WALL || m->n_fds > 1)
		return err_set(e, ERR_CORRUPT, 0, "the spawner sent a report that makes no sense");
	on_done(r, m);
	return 0;
}

static int on_message(struct native *n, struct wire_message *m, struct err *e)
{
	if (m->head.type == WIRE_HELLO)
		return on_hello(n, m, e);
	if (!n->greeted)
		return err_set(e, ERR_CORRUPT, 0, "the spawner did not say hello first");
	switch (m->head.type) {
	case WIRE_STATE:
		on_state(n, m);
		return 0;
	case WIRE_STARTED:
	case WIRE_DONE:
	case WIRE_REFUSED:
		return on_run_message(n, m, e);
	default:
		return err_set(e, ERR_CORRUPT, 0, "the spawner sent a message that is not its own to send");
	}
}

/* Ends the connection. The socket goes first: a listener that starts again meets ERR_BUSY. */
static void detach(struct native *n, const struct err *why)
{
	struct native_run *r;

	close_socket(n);
	while ((r = list_first(&n->runs, struct native_run, node)))
		native_run_lost(r, false, why->msg);
	n->stirred = true;
	if (n->options.detached)
		n->options.detached(why, n->options.arg);
}

/* 1 when a message was handled, 0 when there is none, -1 when the connection ended. */
static int receive_one(struct native *n, struct err *e)
{
	struct wire_message m;
	int r = wire_receive(n->sock, &m, e);

	if (r == 0)
		return err_set(e, ERR_IO, 0, "the spawner ended");
	if (r < 0)
		return e->kind == ERR_BUSY ? 0 : -1;
	r = on_message(n, &m, e);
	wire_close_fds(&m);
	return r < 0 ? -1 : 1;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct native *n = arg;
	struct err e = { 0 };
	int r = 1;

	(void)what;
	/* A listener may attach another socket meanwhile; that one has its own turn. */
	for (int i = 0; i < MESSAGES_A_TURN && r > 0 && n->sock == fd; i++)
		r = receive_one(n, &e);
	if (r < 0)
		detach(n, &e);
	tell_capacity(n);
}

/* ---- life ---- */

static const struct executor_ops native_ops = {
	.start = native_start,
	.cancel = native_cancel,
	.capacity = native_capacity,
	.warm = native_warm,
	.free = native_free,
};

struct executor *native_new(struct event_base *base, const struct native_options *options, struct err *e)
{
	struct native *n = calloc(1, sizeof(*n));

	if (!n) {
		err_set(e, ERR_IO, ENOMEM, "create the native executor");
		return NULL;
	}
	n->executor.ops = &native_ops;
	n->base = base;
	n->options = *options;
	n->sock = -1;
	list_init(&n->runs);
	return &n->executor;
}

int native_attach(struct executor *x, int spawner_fd, struct err *e)
{
	struct native *n = native_of(x);

	if (n->sock >= 0) {
		struct err why = { 0 };

		err_set(&why, ERR_IO, 0, "the spawner was replaced");
		detach(n, &why);
	}
	if (evutil_make_socket_nonblocking(spawner_fd) < 0) {
		err_set(e, ERR_IO, errno, "use the spawner's socket");
		(void)close(spawner_fd);
		return -1;
	}
	n->sock = spawner_fd;
	(void)event_assign(&n->readable, n->base, spawner_fd, EV_READ | EV_PERSIST, on_readable, n);
	(void)event_assign(&n->writable, n->base, spawner_fd, EV_WRITE, on_writable, n);
	(void)event_add(&n->readable, NULL);
	return 0;
}
