/* SPDX-License-Identifier: MIT */
/*
 * The embedded queue. The next jobs are in memory, in the window, submissions included; what is behind them
 * is on the disk only and comes into the window when that runs low. Both together are in order:
 *
 *	every waiting job is in the window, or on the disk with seq > tail, or being withdrawn.
 *
 * The loop decides, the database follows: writes are handed over in the order in which they were decided, so
 * a job may run while its row is still on its way. A refill is read by the writing thread, in that same
 * order: on another connection it could bring back a job that was withdrawn meanwhile.
 */
#include "queue/sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* ---- who has how many ---- */

void queue_count_owner(struct sqlite_queue *q, const char *owner, int change)
{
	struct owner_count *o = id_map_get(&q->owners, owner, struct owner_count, by_owner);

	if (!owner[0])
		return;
	if (!o) {
		o = db_op_new(sizeof(*o));
		memcpy(o->owner, owner, sizeof(o->owner));
		id_map_add(&q->owners, &o->by_owner, o->owner);
	}
	o->n += change;
	assert(o->n >= 0);
	if (o->n > 0)
		return;
	id_map_remove(&q->owners, &o->by_owner);
	free(o);
}

void queue_count(struct sqlite_queue *q, const char *id, int change)
{
	q->n_waiting += change;
	queue_count_owner(q, id_owner(id), change);
}

static int64_t waiting_of(const struct queue *base, const char *owner)
{
	const struct sqlite_queue *q = container_of(base, const struct sqlite_queue, queue);
	const struct owner_count *o = id_map_get(&q->owners, owner, const struct owner_count, by_owner);

	return o ? o->n : 0;
}

/* ---- the window ---- */

size_t submission_cost(const struct submission *s)
{
	size_t cost = 1024 + s->input.len;

	for (size_t i = 0; i < s->n_files; i++)
		cost += s->files[i].content.len + 256;
	return cost;
}

struct waiting *window_find(struct sqlite_queue *q, const char *id)
{
	return id_map_get(&q->by_id, id, struct waiting, by_id);
}

/* Takes over the reference to the submission. */
static struct waiting *waiting_new(struct sqlite_queue *q, const char *id, struct submission *s)
{
	struct waiting *w = db_op_new(sizeof(*w));

	snprintf(w->id, sizeof(w->id), "%s", id);
	w->submission = s;
	w->cost = s ? submission_cost(s) : 0;
	id_map_add(&q->by_id, &w->by_id, w->id);
	q->n_window++;
	q->window_bytes += w->cost;
	return w;
}

/* Out of the window; the submission stays with it. */
static void window_unlink(struct sqlite_queue *q, struct waiting *w)
{
	list_remove(&w->node);
	id_map_remove(&q->by_id, &w->by_id);
	q->n_window--;
	q->window_bytes -= w->cost;
}

static void window_drop(struct sqlite_queue *q, struct waiting *w)
{
	window_unlink(q, w);
	submission_unref(w->submission);
	free(w);
}

void window_append(struct sqlite_queue *q, const char *id, int64_t seq, int attempts, struct submission *s)
{
	struct waiting *w = waiting_new(q, id, s);

	w->seq = seq;
	w->attempts = attempts;
	w->stored = true;
	list_push_back(&q->window, &w->node);
	q->tail = seq;
}

/* ---- handing out ---- */

static void pump_later(struct later *l)
{
	queue_pump(container_of(l, struct sqlite_queue, pump));
}

void queue_wake(struct sqlite_queue *q)
{
	if (!list_is_empty(&q->takes))
		later_call(&q->later, &q->pump, pump_later);
}

static void hand_out(struct sqlite_queue *q, struct waiting *w, struct queue_take *t)
{
	struct queue_job j = { .attempt = w->attempts + 1, .stored = w->stored, .submission = w->submission };
	queue_take_fn *fn = t->fn;
	void *arg = t->arg;

	snprintf(j.id, sizeof(j.id), "%s", w->id);
	q->last_oldest_ms = w->submission ? w->submission->created_ms : q->last_oldest_ms;
	write_take(q, w->seq, j.attempt);
	window_unlink(q, w);
	free(w);
	queue_count(q, j.id, -1);
	list_remove(&t->node);
	free(t);
	fn(&j, arg);
}

/* While the disk is full nothing is started: its result could not be kept but in memory. */
void queue_pump(struct sqlite_queue *q)
{
	struct waiting *w;
	struct queue_take *t;

	while (!db_is_full(q->db) && (w = list_first(&q->window, struct waiting, node)) &&
	       (t = list_first(&q->takes, struct queue_take, node)))
		hand_out(q, w, t);
	refill_if_low(q);
}

static struct queue_take *take(struct queue *base, queue_take_fn *fn, void *arg)
{
	struct sqlite_queue *q = queue_of(base);
	struct queue_take *t = db_op_new(sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	list_push_back(&q->takes, &t->node);
	queue_wake(q);
	return t;
}

static void take_cancel(struct queue_take *t)
{
	list_remove(&t->node);
	free(t);
}

/* ---- in and out ---- */

static void enqueue(struct queue *base, struct submission *s, queue_done_fn *done, void *arg)
{
	struct sqlite_queue *q = queue_of(base);
	int64_t seq = q->next_seq++;
	bool fits = q->n_disk == 0 && q->n_window < WINDOW_MAX &&
		    q->window_bytes + submission_cost(s) <= WINDOW_BYTES_MAX;

	if (q->n_waiting == 0)
		q->last_oldest_ms = s->created_ms;
	queue_count(q, s->id, 1);
	write_enqueue(q, s, seq, !fits, done, arg);
	if (!fits) {
		q->n_disk++;
		refill_if_low(q);
		return;
	}
	window_append(q, s->id, seq, 0, submission_ref(s));
	container_of(q->window.prev, struct waiting, node)->stored = false;
	queue_wake(q);
}

void queue_enqueued(struct sqlite_queue *q, const char *id, bool on_disk, bool failed)
{
	struct waiting *w = window_find(q, id);

	if (w && !failed)
		w->stored = true;
	if (!failed || (!on_disk && !w))
		return; /* taken or withdrawn meanwhile: whoever did knows */
	queue_count(q, id, -1);
	if (w)
		window_drop(q, w);
	else
		q->n_disk--;
}

static void give_back(struct queue *base, struct submission *s, int attempts, bool stored)
{
	struct sqlite_queue *q = queue_of(base);
	struct waiting *w = waiting_new(q, s->id, submission_ref(s));

	w->seq = --q->first_seq;
	w->attempts = attempts;
	w->stored = stored;
	list_push_front(&q->window, &w->node);
	queue_count(q, s->id, 1);
	write_give_back(q, s->id, w->seq, attempts);
	queue_wake(q);
}

static void withdraw(struct queue *base, const char *id, bool *ret_withdrawn, queue_done_fn *done, void *arg)
{
	struct sqlite_queue *q = queue_of(base);
	struct waiting *w = window_find(q, id);

	if (w) {
		window_drop(q, w);
		queue_count(q, id, -1);
	}
	write_withdraw(q, id, !w, ret_withdrawn, done, arg);
	refill_if_low(q);
}

/* ---- questions ---- */

static bool peek(struct queue *base, const char *id, struct queue_peek *ret_peek)
{
	struct sqlite_queue *q = queue_of(base);
	struct waiting *w = window_find(q, id), *before;
	int64_t position = 0;

	if (!w)
		return false;
	list_for_each (before, &q->window, struct waiting, node) {
		if (before == w)
			break;
		position++;
	}
	ret_peek->position = position;
	ret_peek->stored = w->stored;
	ret_peek->submission = w->submission;
	return true;
}

static int64_t waiting(const struct queue *base)
{
	return container_of(base, const struct sqlite_queue, queue)->n_waiting;
}

static int64_t oldest_ms(const struct queue *base)
{
	const struct sqlite_queue *q = container_of(base, const struct sqlite_queue, queue);
	const struct waiting *w = list_first(&q->window, const struct waiting, node);

	if (q->n_waiting == 0)
		return 0;
	/* Between two windows the last known is a little too old. */
	return w && w->submission ? w->submission->created_ms : q->last_oldest_ms;
}

static void resume(struct queue *base)
{
	queue_wake(queue_of(base));
}

/* ---- open and close ---- */

static void close_queue(struct queue *base)
{
	struct sqlite_queue *q = queue_of(base);
	struct owner_count *o;
	struct waiting *w;

	assert(list_is_empty(&q->takes) && list_is_empty(&q->withdrawals));
	while ((w = list_first(&q->window, struct waiting, node)))
		window_drop(q, w);
	while ((o = id_map_any(&q->owners, struct owner_count, by_owner))) {
		id_map_remove(&q->owners, &o->by_owner);
		free(o);
	}
	id_map_done(&q->owners);
	id_map_done(&q->by_id);
	later_queue_done(&q->later);
	free(q);
}

static const struct queue_ops ops = {
	.close = close_queue,
	.enqueue = enqueue,
	.take = take,
	.take_cancel = take_cancel,
	.mark_cancelled = write_cancelled,
	.finish = write_finish,
	.give_back = give_back,
	.withdraw = withdraw,
	.peek = peek,
	.position = read_position,
	.waiting = waiting,
	.waiting_of = waiting_of,
	.oldest_ms = oldest_ms,
	.resume = resume,
};

struct queue *queue_sqlite_open(struct db *db, struct event_base *base, int attempts_max,
				struct queue_lost **ret_lost, int *ret_n_lost, struct err *e)
{
	struct sqlite_queue *q = db_op_new(sizeof(*q));

	q->queue.ops = &ops;
	q->db = db;
	list_init(&q->window);
	list_init(&q->takes);
	list_init(&q->withdrawals);
	later_init(&q->pump);
	id_map_init(&q->by_id);
	id_map_init(&q->owners);
	q->tail = INT64_MIN;
	if (!later_queue_init(&q->later, base)) {
		err_set(e, ERR_IO, ENOMEM, "open the queue");
	} else if (recover(q, db_startup(db), attempts_max, ret_lost, ret_n_lost, e) == 0) {
		refill_if_low(q);
		return &q->queue;
	}
	close_queue(&q->queue);
	return NULL;
}
