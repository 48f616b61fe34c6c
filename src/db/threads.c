/* SPDX-License-Identifier: MIT */
/* The database's side: the thread that writes and the thread that reads. */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "db/internal.h"

/* A transaction takes at most so many operations, so that the first of a long queue is not answered with the
 * last. */
#define BATCH_MAX 4096
/* WAL pages after which it is moved in any case. */
#define WAL_PAGES_ALWAYS 16000
#define IDLE_MS		 20
#define RETRY_MIN_MS	 50
#define RETRY_MAX_MS	 1000

struct writer {
	struct db_thread *t;
	struct list held; /* operations to be tried again, in order, before newer ones */
	bool trouble;	  /* the last try failed */
	int64_t retry_at; /* monotonic ms */
	int64_t backoff_ms;
};

int db_thread_start(struct db_thread *t, void *(*body)(void *), struct err *e)
{
	sigset_t all, old;
	int failed;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failed = pthread_create(&t->thread, NULL, body, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (failed)
		return err_set(e, ERR_IO, failed, "start a database thread");
	t->started = true;
	return 0;
}

void db_thread_stop(struct db_thread *t)
{
	if (!t->started)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	t->started = false;
}

void db_thread_hand(struct db_thread *t, struct list *ops)
{
	pthread_mutex_lock(&t->lock);
	list_move_all(ops, &t->inbox);
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

void db_thread_caught_up(struct db_thread *t)
{
	pthread_mutex_lock(&t->lock);
	t->ahead--;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

static void wait_until(struct db_thread *t, int64_t mono_ms)
{
	struct timespec ts = { .tv_sec = mono_ms / 1000, .tv_nsec = mono_ms % 1000 * 1000000 };

	(void)pthread_cond_timedwait(&t->wake, &t->lock, &ts);
}

void *db_reader_body(void *thread)
{
	struct db_thread *t = thread;

	struct list one;

	list_init(&one);
	for (;;) {
		struct db_op *op;

		pthread_mutex_lock(&t->lock);
		while (!t->stop && (list_is_empty(&t->inbox) || t->ahead >= DB_READ_AHEAD))
			pthread_cond_wait(&t->wake, &t->lock);
		op = list_first(&t->inbox, struct db_op, node);
		if (op) {
			list_remove(&op->node);
			op->ahead = true;
			t->ahead++;
		}
		pthread_mutex_unlock(&t->lock);
		if (!op)
			return NULL;
		if (op->run(t->conn, op, &op->err) == 0)
			op->err.kind = ERR_NONE;
		list_push_back(&one, &op->node);
		db_post(t->db, &one);
	}
}

/* ---- writing ---- */

static void set_trouble(struct writer *w, const struct err *e)
{
	struct db *db = w->t->db;

	pthread_mutex_lock(&db->lock);
	db->trouble = *e;
	pthread_mutex_unlock(&db->lock);
	w->trouble = true;
	w->backoff_ms = w->backoff_ms ? w->backoff_ms * 2 : RETRY_MIN_MS;
	if (w->backoff_ms > RETRY_MAX_MS)
		w->backoff_ms = RETRY_MAX_MS;
	w->retry_at = clock_mono_ms() + w->backoff_ms;
	atomic_store(&db->full, true);
}

static void clear_trouble(struct writer *w)
{
	if (!w->trouble)
		return;
	w->trouble = false;
	w->backoff_ms = 0;
	atomic_store(&w->t->db->full, false);
}

static int step(struct db_conn *c, const char *literal, struct err *e)
{
	sqlite3_stmt *q = db_stmt(c, literal, e);

	return q ? db_run(c, q, NULL, e) : -1;
}

static struct db_op *next_op(struct db_op *op)
{
	return container_of(op->node.next, struct db_op, node);
}

static struct db_op *group_last(struct db_op *op)
{
	while (op->more)
		op = next_op(op);
	return op;
}

static int run_group(struct db_conn *c, struct db_op *first, const struct db_op *last, struct err *e)
{
	for (struct db_op *op = first;; op = next_op(op)) {
		op->err.kind = ERR_NONE;
		if (op->run(c, op, e) < 0)
			return -1;
		if (op == last)
			return 0;
	}
}

static void fail_group(struct db_op *first, const struct db_op *last, const struct err *e)
{
	for (struct db_op *op = first;; op = next_op(op)) {
		op->err = *e;
		if (op == last)
			return;
	}
}

/* Runs a group so that it leaves no trace when it fails. -1: the whole transaction is lost. */
static int run_guarded(struct db_conn *c, struct db_op *first, const struct db_op *last, struct err *e)
{
	struct err failure = { 0 };

	if (step(c, "SAVEPOINT one", e) < 0)
		return -1;
	if (run_group(c, first, last, &failure) < 0) {
		if (db_conn_take_trouble(c) || !db_conn_in_transaction(c)) {
			*e = failure;
			return -1;
		}
		if (step(c, "ROLLBACK TO one", e) < 0)
			return -1;
		fail_group(first, last, &failure);
	}
	return step(c, "RELEASE one", e);
}

/* One transaction of all of `batch`. -1: none of it happened. */
static int run_batch(struct db_conn *c, struct list *batch, struct err *e)
{
	(void)db_conn_take_trouble(c);
	if (step(c, "BEGIN IMMEDIATE", e) < 0)
		return -1;
	for (struct list *n = batch->next; n != batch;) {
		struct db_op *first = container_of(n, struct db_op, node);
		struct db_op *last = group_last(first);

		n = last->node.next;
		if (run_guarded(c, first, last, e) < 0)
			goto undo;
	}
	if (db_conn_reserve(c, e) == 0 && step(c, "COMMIT", e) == 0)
		return 0;
undo:
	if (db_conn_in_transaction(c))
		(void)step(c, "ROLLBACK", NULL);
	return -1;
}

/* Takes the first group of `from` to the end of `to`. */
static struct db_op *move_group(struct list *from, struct list *to)
{
	struct db_op *first = list_first(from, struct db_op, node);
	bool more = true;

	while (more) {
		struct db_op *op = list_first(from, struct db_op, node);

		more = op->more;
		list_remove(&op->node);
		list_push_back(to, &op->node);
	}
	return first;
}

/* After a lost transaction: keeps what is to be kept, tries what makes room, and tells the rest. */
static void sort_out(struct writer *w, struct list *batch, const struct err *e, bool last_try)
{
	struct list over;

	list_init(&over);
	while (!list_is_empty(batch)) {
		struct list group;
		struct db_op *first;
		struct err again = *e;

		list_init(&group);
		first = move_group(batch, &group);
		if ((first->flags & DB_HOLD) && !last_try) {
			list_move_all(&group, &w->held);
			continue;
		}
		if (!(first->flags & DB_FREES) || run_batch(w->t->conn, &group, &again) < 0)
			fail_group(first, group_last(first), &again);
		list_move_all(&group, &over);
	}
	db_post(w->t->db, &over);
}

/* A write that changes nothing anyone reads: shows whether the disk takes writes again. */
static int probe(struct db_conn *c, struct err *e)
{
	int64_t version;
	char touch[64];

	if (db_number(c, "PRAGMA user_version", &version, e) < 0)
		return -1;
	snprintf(touch, sizeof(touch), "PRAGMA user_version = %d", (int)version);
	return db_script(c, touch, e);
}

static void commit_batch(struct writer *w, struct list *batch, bool last_try)
{
	struct db_conn *c = w->t->conn;
	struct err e = { 0 };

	if (w->trouble)
		db_conn_checkpoint(c); /* an emptied WAL is space that is ours already */
	if (list_is_empty(batch) ? probe(c, &e) == 0 : run_batch(c, batch, &e) == 0) {
		clear_trouble(w);
		db_post(w->t->db, batch);
		return;
	}
	set_trouble(w, &e);
	sort_out(w, batch, &e, last_try);
}

/* Moves up to BATCH_MAX operations, whole groups, from the inbox behind `batch`. */
static void fill(struct db_thread *t, struct list *batch)
{
	int n = 0;

	for (struct list *end = t->inbox.next; end != &t->inbox; end = end->next)
		if (++n >= BATCH_MAX && !container_of(end, struct db_op, node)->more) {
			struct list rest;

			list_init(&rest);
			if (end->next != &t->inbox) {
				rest.next = end->next;
				rest.prev = t->inbox.prev;
				rest.next->prev = rest.prev->next = &rest;
				t->inbox.prev = end;
				end->next = &t->inbox;
			}
			list_move_all(&t->inbox, batch);
			list_move_all(&rest, &t->inbox);
			return;
		}
	list_move_all(&t->inbox, batch);
}

/* Waits for something to do. False when it is time to end. `batch` stays empty for a probe. */
static bool collect(struct writer *w, struct list *batch, bool *ret_last)
{
	struct db_thread *t = w->t;

	list_move_all(&w->held, batch);
	pthread_mutex_lock(&t->lock);
	while (!t->stop && (w->trouble ? clock_mono_ms() < w->retry_at : list_is_empty(&t->inbox))) {
		if (w->trouble) {
			wait_until(t, w->retry_at);
		} else if (db_conn_wal_pages(t->conn) >= DB_WAL_PAGES_IDLE) {
			wait_until(t, clock_mono_ms() + IDLE_MS);
			if (list_is_empty(&t->inbox) && !t->stop)
				break;
		} else {
			pthread_cond_wait(&t->wake, &t->lock);
		}
	}
	fill(t, batch);
	*ret_last = t->stop;
	pthread_mutex_unlock(&t->lock);
	return !*ret_last || !list_is_empty(batch);
}

void *db_writer_body(void *thread)
{
	struct db_thread *t = thread;
	struct writer w = { .t = t };
	struct list batch;
	bool last;

	list_init(&w.held);
	list_init(&batch);
	while (collect(&w, &batch, &last)) {
		bool idle = list_is_empty(&batch) && !w.trouble;

		if (!idle)
			commit_batch(&w, &batch, last);
		if (!w.trouble && db_conn_wal_pages(t->conn) >= (idle ? DB_WAL_PAGES_IDLE : WAL_PAGES_ALWAYS))
			db_conn_checkpoint(t->conn);
	}
	assert(list_is_empty(&w.held));
	return NULL;
}
