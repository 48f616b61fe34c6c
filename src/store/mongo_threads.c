/* SPDX-License-Identifier: MIT */
/*
 * The threads that talk to the server. All stand at one gate: it is shut until one of them has found the
 * server and made the indexes, and again when a call did not reach it.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/mongo_internal.h"

#define PROBE_PAUSE_MIN_MS 100
#define HELD_PAUSE_MIN_MS  50
#define PAUSE_MAX_MS	   5000
/* After so long it is tried whether the disk has room again. */
#define FULL_MS 5000

void *mongo_op_new(size_t size)
{
	void *op = calloc(1, size);

	if (!op)
		abort();
	return op;
}

/* The lock is held in all that follows but where it says otherwise. */

static int64_t longer(int64_t pause_ms, int64_t least)
{
	pause_ms = pause_ms ? pause_ms * 2 : least;
	return pause_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause_ms;
}

static void poke_loop(struct mongo *m)
{
	uint64_t one = 1;

	/* It only fails when it is poked already. */
	(void)!write(m->wake_fd, &one, sizeof(one));
}

static void tell(struct mongo *m, struct mongo_op *op, const struct err *e)
{
	if (e)
		op->err = *e;
	else
		op->err.kind = ERR_NONE;
	list_push_back(&m->over, &op->node);
	poke_loop(m);
}

static void enqueue(struct mongo *m, struct mongo_op *op, bool first)
{
	if (!op->hold)
		m->pending++;
	if (first)
		list_push_front(&m->queue, &op->node);
	else
		list_push_back(&m->queue, &op->node);
	pthread_cond_signal(&m->wake);
}

static struct mongo_op *dequeue(struct mongo *m)
{
	struct mongo_op *op = list_first(&m->queue, struct mongo_op, node);

	if (!op)
		return NULL;
	list_remove(&op->node);
	if (!op->hold)
		m->pending--;
	return op;
}

/* To the front, in their order. */
static void release_held(struct mongo *m)
{
	while (!list_is_empty(&m->held)) {
		struct mongo_op *op = container_of(m->held.prev, struct mongo_op, node);

		list_remove(&op->node);
		enqueue(m, op, true);
	}
}

static void hold(struct mongo *m, struct mongo_op *op)
{
	if (list_is_empty(&m->held)) {
		m->held_pause_ms = longer(m->held_pause_ms, HELD_PAUSE_MIN_MS);
		m->held_at = clock_mono_ms() + m->held_pause_ms;
	}
	list_push_back(&m->held, &op->node);
}

static bool may_work_later(const struct err *e)
{
	return e->kind != ERR_LIMIT && e->kind != ERR_INVALID && e->kind != ERR_CORRUPT;
}

static void failed(struct mongo *m, struct mongo_op *op, bool lost)
{
	struct err e = op->err;
	bool first_time = !op->again;

	op->again = true;
	if (e.kind == ERR_DISK_FULL) {
		m->full = e;
		m->full_until = clock_mono_ms() + FULL_MS;
	}
	if (lost && m->gate == GATE_OPEN) {
		m->gate = GATE_SHUT;
		m->probe_at = 0;
		pthread_cond_broadcast(&m->wake);
	}
	if (m->stopping || !may_work_later(&e) || (!op->hold && !(lost && first_time)))
		tell(m, op, &e);
	else if (op->hold)
		hold(m, op);
	else
		enqueue(m, op, true); /* behind the gate: perhaps only a connection had gone stale */
}

static void run_one(struct mongo *m, struct mongo_session *s, struct mongo_op *op)
{
	int got;

	pthread_mutex_unlock(&m->lock);
	s->lost = false;
	op->err.kind = ERR_NONE;
	got = op->run(s, op, &op->err);
	pthread_mutex_lock(&m->lock);
	if (got < 0) {
		failed(m, op, s->lost);
		return;
	}
	if (op->hold)
		m->held_pause_ms = 0;
	if (op->write)
		m->full_until = 0;
	tell(m, op, NULL);
}

static void give_up_waiting(struct mongo *m, bool held_too)
{
	struct list keep;
	struct mongo_op *op;

	list_init(&keep);
	if (held_too)
		release_held(m);
	while ((op = dequeue(m))) {
		if (op->hold && !held_too)
			list_push_back(&keep, &op->node);
		else
			tell(m, op, &m->why);
	}
	while ((op = list_first(&keep, struct mongo_op, node))) {
		list_remove(&op->node);
		enqueue(m, op, false);
	}
}

static void probe(struct mongo *m, struct mongo_session *s)
{
	char about[sizeof(m->about)] = "";
	struct err e;
	int got;

	m->probing = true;
	pthread_mutex_unlock(&m->lock);
	got = mongo_setup(s, about, sizeof(about), &e);
	pthread_mutex_lock(&m->lock);
	m->probing = false;
	if (got == 0) {
		m->gate = GATE_OPEN;
		m->probe_pause_ms = 0;
		memcpy(m->about, about, sizeof(about));
	} else {
		m->gate = GATE_LOST;
		m->why = e;
		m->probe_pause_ms = longer(m->probe_pause_ms, PROBE_PAUSE_MIN_MS);
		m->probe_at = clock_mono_ms() + m->probe_pause_ms;
		give_up_waiting(m, m->stopping);
	}
	poke_loop(m);
	pthread_cond_broadcast(&m->wake);
}

/* 0: until someone wakes us. */
static void wait_until(struct mongo *m, int64_t mono_ms)
{
	struct timespec ts = { .tv_sec = mono_ms / 1000, .tv_nsec = mono_ms % 1000 * 1000000 };

	if (mono_ms)
		(void)pthread_cond_timedwait(&m->wake, &m->lock, &ts);
	else
		(void)pthread_cond_wait(&m->wake, &m->lock);
}

/* Both: false when it is time to end. */
static bool step_outside(struct mongo *m, struct mongo_session *s)
{
	if (m->stopping && list_is_empty(&m->queue) && list_is_empty(&m->held))
		return false;
	if (m->stopping && m->gate == GATE_LOST) {
		give_up_waiting(m, true);
		return false;
	}
	if (m->probing)
		wait_until(m, 0);
	else if (clock_mono_ms() >= m->probe_at)
		probe(m, s);
	else
		wait_until(m, m->probe_at);
	return true;
}

static bool step_inside(struct mongo *m, struct mongo_session *s)
{
	struct mongo_op *op;

	if (!list_is_empty(&m->held) && (m->stopping || clock_mono_ms() >= m->held_at))
		release_held(m);
	op = dequeue(m);
	if (op)
		run_one(m, s, op);
	else if (m->stopping)
		return false;
	else
		wait_until(m, list_is_empty(&m->held) ? 0 : m->held_at);
	return true;
}

static void session_open(struct mongo *m, struct mongo_session *s)
{
	s->client = mongoc_client_pool_pop(m->pool);
	s->db = mongoc_client_get_database(s->client, m->database);
	s->submissions = mongoc_database_get_collection(s->db, "submissions");
	s->results = mongoc_database_get_collection(s->db, "results");
	s->chunks = mongoc_database_get_collection(s->db, "chunks");
}

static void session_close(struct mongo *m, struct mongo_session *s)
{
	mongoc_collection_destroy(s->chunks);
	mongoc_collection_destroy(s->results);
	mongoc_collection_destroy(s->submissions);
	mongoc_database_destroy(s->db);
	mongoc_client_pool_push(m->pool, s->client);
}

static void *body(void *arg)
{
	struct mongo *m = arg;
	struct mongo_session s = { 0 };
	bool more = true;

	session_open(m, &s);
	pthread_mutex_lock(&m->lock);
	while (more)
		more = m->gate == GATE_OPEN ? step_inside(m, &s) : step_outside(m, &s);
	pthread_mutex_unlock(&m->lock);
	session_close(m, &s);
	return NULL;
}

/* ---- the loop's side, without the lock ---- */

int mongo_threads_start(struct mongo *m, struct err *e)
{
	sigset_t all, old;
	int problem = 0;

	/* Signals are the loop's; the driver's own threads inherit this from ours. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (m->n_threads < m->options.threads && !problem) {
		problem = pthread_create(&m->threads[m->n_threads], NULL, body, m);
		if (!problem)
			m->n_threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return problem ? err_set(e, ERR_IO, problem, "start a thread for MongoDB") : 0;
}

void mongo_threads_stop(struct mongo *m)
{
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
	while (m->n_threads > 0)
		pthread_join(m->threads[--m->n_threads], NULL);
}

void mongo_hand(struct mongo *m, struct mongo_op *op)
{
	struct err e = { 0 };

	if (op->write)
		m->writing++;
	pthread_mutex_lock(&m->lock);
	if (m->stopping)
		err_set(&e, ERR_BUSY, 0, "The server is shutting down.");
	else if (!op->hold && m->gate == GATE_LOST)
		e = m->why;
	else if (!op->hold && m->pending >= m->options.max_pending)
		err_set(&e, ERR_BUSY, 0, "Too much waits for MongoDB. Try again later.");
	if (e.kind)
		tell(m, op, &e);
	else
		enqueue(m, op, false);
	pthread_mutex_unlock(&m->lock);
}
