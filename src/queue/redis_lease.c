/* SPDX-License-Identifier: MIT */
/* Leases: renewed while they are held, ended once, and those of dead workers put back. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "job/result.h"
#include "queue/redis_internal.h"

/* Far above what inline outputs can make of a result. */
#define VALUE_MAX ((size_t)64 << 20)

void lease_drop(struct redis_queue *q, struct held *h)
{
	id_map_remove(&q->held, &h->by_id);
	list_remove(&h->node);
	free(h);
}

int64_t lease_starts_max(const struct redis_queue *q, int64_t attempts)
{
	return attempts > q->o.attempts_max ? attempts : q->o.attempts_max;
}

/* BullMQ counts failures and stalls apart; a job that meets both is started no more often for it. */
bool redis_attempts_left(const struct redis_queue *q, const char *id)
{
	const struct held *h = held_find(q, id);

	return h && h->made + 1 < h->attempts && h->started < lease_starts_max(q, h->attempts);
}

/* The words that every end of a lease begins with. */
static void begin(struct redis_args *args, const struct held *h)
{
	redis_args_text(args, h->id);
	redis_args_text(args, h->token);
	redis_args_int(args, clock_wall_ms());
}

/* ---- ends ---- */

struct finish {
	queue_done_fn *done;
	void *arg;
	char id[JOB_ID_SIZE];
};

static void finished(const redisReply *r, const struct err *e, void *arg)
{
	struct finish *o = arg;

	/* Not an error for whoever waits: the row is there, and what is in the queue will be ended with it.
	 */
	if (!e && redis_integer(r) < 0)
		log_warn(o->id, "ended while its lease was another's or gone (%lld)",
			 (long long)redis_integer(r));
	o->done(e, o->arg);
	free(o);
}

static void add_reason(struct redis_args *args, const struct result *r)
{
	struct buf text;

	buf_init(&text, 64 * 1024);
	result_add_sentence(&text, r);
	redis_args_add(args, buf_text(&text), text.len);
	buf_done(&text);
}

static bool has_failed(const struct result *r)
{
	return r->verdict == VERDICT_INTERNAL_ERROR || r->verdict == VERDICT_CANCELLED;
}

static void add_json(struct redis_args *args, const struct redis_queue *q, const struct result *r)
{
	struct buf json;

	buf_init(&json, VALUE_MAX);
	if (result_add_inline_json(&json, r, q->o.inline_max))
		redis_args_add(args, json.data, json.len);
	else
		redis_args_text(args, "null");
	buf_done(&json);
}

static void add_keep(struct redis_args *args, const struct keep *k)
{
	redis_args_int(args, k->count);
	redis_args_int(args, k->age_s);
	redis_args_int(args, k->most);
}

void redis_finish(struct redis_queue *q, const char *id, const struct result *r, queue_done_fn *done,
		  void *arg)
{
	struct held *h = held_find(q, id);
	struct finish *o = calloc(1, sizeof(*o));
	struct redis_args args = { 0 };
	bool failed = has_failed(r);

	if (!o || !h)
		abort();
	o->done = done;
	o->arg = arg;
	snprintf(o->id, sizeof(o->id), "%s", id);
	begin(&args, h);
	redis_args_text(&args, failed ? "failed" : "completed");
	if (failed)
		add_reason(&args, r);
	else
		add_json(&args, q, r);
	add_keep(&args, failed ? &h->failed : &h->completed);
	redis_args_int(&args, h->attempts);
	redis_args_text(&args, "[]");
	if (failed)
		add_json(&args, q, r);
	else
		redis_args_text(&args, "");
	lease_drop(q, h);
	redis_run(q, SCRIPT_FINISH, &args, true, finished, o);
}

static double random_fraction(void)
{
	uint32_t n = 0;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		return 0.5;
	return (double)n / 4294967296.0;
}

void redis_retry(struct redis_queue *q, const char *id, const char *reason)
{
	struct held *h = held_find(q, id);
	struct redis_args args = { 0 };

	if (!h)
		return;
	begin(&args, h);
	redis_args_int(&args, opts_backoff(h, random_fraction()));
	redis_args_text(&args, reason);
	redis_args_text(&args, "[]");
	redis_args_int(&args, h->lifo);
	lease_drop(q, h);
	redis_run(q, SCRIPT_RETRY, &args, true, NULL, NULL);
}

void redis_give_back(struct redis_queue *q, const char *id, int64_t delay_ms)
{
	struct held *h = held_find(q, id);
	struct redis_args args = { 0 };

	if (!h)
		return;
	begin(&args, h);
	redis_args_int(&args, delay_ms);
	lease_drop(q, h);
	redis_run(q, SCRIPT_GIVE_BACK, &args, true, NULL, NULL);
}

/* ---- renewal ---- */

/* The ids of one question: leases may end before its answer. */
struct renewal {
	struct redis_queue *queue;
	size_t n;
	char (*ids)[JOB_ID_SIZE];
	char (*tokens)[TOKEN_SIZE];
};

static void renewed_one(struct redis_queue *q, const char *id, const char *token, int64_t answer)
{
	struct held *h = held_find(q, id);

	if (!h || strcmp(h->token, token) != 0)
		return;
	if (answer == 1) {
		log_warn(id, "its lease was lost to another worker");
		lease_drop(q, h);
		q->listener.lost(id, q->listener.arg);
	} else if (answer == 2) {
		q->listener.cancelled(id, q->listener.arg);
	}
}

static void renewed(const redisReply *r, const struct err *e, void *arg)
{
	struct renewal *o = arg;

	for (size_t i = 0; !e && r->type == REDIS_REPLY_ARRAY && i < o->n && i < r->elements; i++)
		renewed_one(o->queue, o->ids[i], o->tokens[i], redis_integer(r->element[i]));
	free(o->ids);
	free(o->tokens);
	free(o);
}

void lease_renew(struct redis_queue *q)
{
	struct redis_args args = { 0 };
	struct renewal *o;
	struct held *h;

	if (q->held.n == 0 || q->stopping)
		return;
	redis_timer(q->renewal, q->o.lock_ms / 3);
	o = calloc(1, sizeof(*o));
	if (!o)
		abort();
	o->queue = q;
	o->ids = calloc(q->held.n, sizeof(*o->ids));
	o->tokens = calloc(q->held.n, sizeof(*o->tokens));
	if (!o->ids || !o->tokens)
		abort();
	redis_args_int(&args, q->o.lock_ms);
	list_for_each (h, &q->leases, struct held, node) {
		snprintf(o->ids[o->n], sizeof(*o->ids), "%s", h->id);
		snprintf(o->tokens[o->n++], sizeof(*o->tokens), "%s", h->token);
		redis_args_text(&args, h->id);
		redis_args_text(&args, h->token);
	}
	redis_run(q, SCRIPT_RENEW, &args, false, renewed, o);
}

void on_renewal(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	lease_renew(arg);
}

/* ---- the jobs of dead workers ---- */

static void swept(const redisReply *r, const struct err *e, void *arg)
{
	(void)arg;
	if (!e && redis_integer(r) > 0)
		log_warn(NULL, "%lld jobs of dead workers were put back", (long long)redis_integer(r));
}

void on_stalled_sweep(int fd, short what, void *arg)
{
	struct redis_queue *q = arg;
	struct redis_args args = { 0 };

	(void)fd;
	(void)what;
	redis_timer(q->sweep, q->o.stalled_ms);
	redis_args_int(&args, clock_wall_ms());
	redis_args_int(&args, q->o.stalled_ms);
	redis_args_int(&args, q->o.attempts_max);
	redis_run(q, SCRIPT_STALLED, &args, false, swept, NULL);
}
