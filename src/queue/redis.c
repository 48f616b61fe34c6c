/* SPDX-License-Identifier: MIT */
#include "queue/redis.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/log.h"
#include "job/submission_write.h"
#include "queue/redis_internal.h"

#define PATIENCE_MS	  10000
#define BLOCK_PATIENCE_MS 16000 /* over the longest block, 10 s */
#define KEPT_AGAIN_MS	  250
#define LOCK_MS		  30000
/* Larger submissions stay in the store, and the worker fetches them there. */
#define DATA_MAX ((size_t)1 << 20)

void redis_timer(struct event *timer, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)event_add(timer, &tv);
}

int64_t redis_integer(const redisReply *r)
{
	if (r->type == REDIS_REPLY_INTEGER)
		return r->integer;
	return r->str ? strtoll(r->str, NULL, 10) : 0;
}

const char *redis_text(const redisReply *r)
{
	return (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS) && r->str ? r->str : "";
}

size_t redis_len(const redisReply *r)
{
	return redis_text(r) == r->str ? (size_t)r->len : 0;
}

/* ---- calls ---- */

static void call_end(struct redis_call *c, const redisReply *r, const struct err *e)
{
	list_remove(&c->node);
	if (c->keep)
		c->queue->n_keeping--;
	if (c->fn)
		c->fn(r, e, c->arg);
	redis_args_done(&c->args);
	free(c);
}

static void call_failed(struct later *l)
{
	struct redis_call *c = container_of(l, struct redis_call, failed);

	call_end(c, NULL, &c->err);
}

static void call_send(struct redis_call *c);

static void call_put_off(struct redis_call *c)
{
	struct redis_queue *q = c->queue;

	list_remove(&c->node);
	list_push_back(&q->kept, &c->node);
	redis_timer(q->again, KEPT_AGAIN_MS);
}

/* Errors of a script itself come again however often it is run; these pass: away, full, read-only, starting.
 */
static bool will_pass(const struct err *e)
{
	static const char *const marks[] = {
		"connection to Redis", "OOM",	     "READONLY", "MISCONF",    "LOADING",
		"MASTERDOWN",	       "NOREPLICAS", "BUSY",	 "-UNKILLABLE"
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (strstr(e->msg, marks[i]))
			return true;
	}
	return false;
}

static void on_answer(const redisReply *r, const struct err *e, void *arg)
{
	struct redis_call *c = arg;

	if (e && strstr(e->msg, "NOSCRIPT")) {
		c->whole = true;
		call_send(c);
		return;
	}
	if (e && c->keep && !c->queue->stopping && will_pass(e)) {
		call_put_off(c);
		return;
	}
	call_end(c, e ? NULL : r, e);
}

static void call_send(struct redis_call *c)
{
	struct redis_queue *q = c->queue;
	struct redis_args words = { 0 };
	bool sent;

	c->whole |= !q->shas[c->script];
	redis_args_text(&words, c->whole ? "EVAL" : "EVALSHA");
	redis_args_text(&words, c->whole ? redis_script_text(c->script) : q->shas[c->script]);
	redis_args_text(&words, "1");
	redis_args_text(&words, q->key_prefix);
	for (size_t i = 0; i < c->args.n; i++)
		redis_args_add(&words, c->args.words[i], c->args.lens[i]);
	list_remove(&c->node);
	list_push_back(&q->flying, &c->node);
	sent = !q->stopping && redis_link_send(q->main, &words, on_answer, c);
	redis_args_done(&words);
	if (sent)
		return;
	if (c->keep && !q->stopping) {
		call_put_off(c);
		return;
	}
	err_set(&c->err, ERR_BUSY, 0, "%s. Try again later.",
		q->stopping ? "The server is shutting down" : redis_link_problem(q->main));
	later_call(&q->later, &c->failed, call_failed);
}

void redis_run(struct redis_queue *q, enum redis_script s, struct redis_args *args, bool keep,
	       redis_reply_fn *fn, void *arg)
{
	struct redis_call *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->queue = q;
	c->script = s;
	c->args = *args;
	*args = (struct redis_args){ 0 };
	c->keep = keep;
	q->n_keeping += keep;
	c->fn = fn;
	c->arg = arg;
	list_init(&c->node);
	later_init(&c->failed);
	call_send(c);
}

static void send_kept(struct redis_queue *q)
{
	struct list now;
	struct redis_call *c;

	list_init(&now);
	while ((c = list_first(&q->kept, struct redis_call, node))) {
		list_remove(&c->node);
		list_push_back(&now, &c->node);
	}
	while ((c = list_first(&now, struct redis_call, node)))
		call_send(c);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	send_kept(arg);
}

/* ---- the connection for commands ---- */

struct loading {
	struct redis_queue *queue;
	enum redis_script script;
};

static void loaded(const redisReply *r, const struct err *e, void *arg)
{
	struct loading *l = arg;

	if (!e && r->type == REDIS_REPLY_STRING) {
		free(l->queue->shas[l->script]);
		l->queue->shas[l->script] = strdup(r->str);
	}
	free(l);
}

static void load_scripts(struct redis_queue *q)
{
	for (int s = 0; s < SCRIPT_COUNT; s++) {
		struct loading *l = calloc(1, sizeof(*l));
		struct redis_args words = { 0 };

		if (!l)
			abort();
		l->queue = q;
		l->script = (enum redis_script)s;
		redis_args_text(&words, "SCRIPT");
		redis_args_text(&words, "LOAD");
		redis_args_text(&words, redis_script_text(l->script));
		if (!redis_link_send(q->main, &words, loaded, l))
			free(l);
		redis_args_done(&words);
	}
}

static void main_up(void *arg)
{
	struct redis_queue *q = arg;

	load_scripts(q);
	send_kept(q);
	if (q->o.takes) {
		lease_renew(q);
		on_heart(-1, 0, q);
		on_stalled_sweep(-1, 0, q);
		take_go_on(q);
	}
	on_poll(-1, 0, q);
}

/* What flew has been told; the rest comes with main_up. */
static void main_down(void *arg)
{
	(void)arg;
}

/* ---- enqueue ---- */

struct enqueue {
	int64_t share;
	queue_done_fn *done;
	void *arg;
};

static void enqueued(const redisReply *r, const struct err *e, void *arg)
{
	struct enqueue *o = arg;
	struct err full;

	if (!e && redis_integer(r) < 0) {
		if (redis_integer(r) == -2)
			(void)flow_over_share(o->share, &full);
		else
			err_set(&full, ERR_BUSY, 0, "The queue is full. Try again later.");
		e = &full;
	}
	if (o->done)
		o->done(e, o->arg);
	free(o);
}

static void add_data(struct redis_args *args, const struct redis_queue *q, const struct submission *s)
{
	char stored[128];
	struct buf data;

	buf_init(&data, DATA_MAX);
	if (submission_add_json(&data, s, q->o.policy->langs)) {
		redis_args_add(args, data.data, data.len);
	} else {
		snprintf(stored, sizeof(stored), "{\"language\":\"%.64s\",\"stored\":true}", s->language);
		redis_args_text(args, stored);
	}
	buf_done(&data);
}

static void add_opts(struct redis_args *args, const struct redis_queue *q, const char *id)
{
	long long age = (long long)(q->o.result_ttl_ms / 1000);
	char text[JOB_ID_SIZE + 160];

	snprintf(text, sizeof(text),
		 "{\"attempts\":%d,\"jobId\":\"%s\",\"removeOnComplete\":{\"age\":%lld},\"removeOnFail\":{"
		 "\"age\":%lld}}",
		 q->o.attempts_max, id, age, age);
	redis_args_text(args, text);
}

static void enqueue(struct queue *base, struct submission *s, queue_done_fn *done, void *arg)
{
	struct redis_queue *q = redis_of(base);
	struct enqueue *o = calloc(1, sizeof(*o));
	struct redis_args args = { 0 };

	if (!o)
		abort();
	o->share = s->share;
	o->done = done;
	o->arg = arg;
	redis_args_text(&args, s->id);
	redis_args_text(&args, "run");
	add_data(&args, q, s);
	add_opts(&args, q, s->id);
	redis_args_int(&args, s->created_ms);
	redis_args_int(&args, q->o.max_queue);
	redis_args_text(&args, id_owner(s->id));
	redis_args_int(&args, s->share);
	redis_run(q, SCRIPT_ADD, &args, false, enqueued, o);
}

/* ---- what is known without asking ---- */

static int64_t waiting(const struct queue *q)
{
	return container_of(q, const struct redis_queue, queue)->n_waiting;
}

static int64_t oldest_ms(const struct queue *q)
{
	return container_of(q, const struct redis_queue, queue)->oldest_ms;
}

int64_t redis_active(const struct redis_queue *q)
{
	return q->n_active;
}

void redis_ended(const struct redis_queue *q, int64_t *ret_completed, int64_t *ret_failed)
{
	*ret_completed = q->n_ended[0];
	*ret_failed = q->n_ended[1];
}

int redis_ready(const struct redis_queue *q, struct err *e)
{
	if (redis_link_is_up(q->main))
		return 0;
	return err_set(e, ERR_BUSY, 0, "%s. Try again later.", redis_link_problem(q->main));
}

bool redis_busy(const struct redis_queue *q)
{
	return q->n_keeping > 0;
}

struct queue *redis_queue_of(struct redis_queue *q)
{
	return &q->queue;
}

/* ---- life ---- */

bool redis_stop(struct redis_queue *q)
{
	bool any = false;
	struct redis_call *c;

	q->stopping = true;
	redis_link_free(TAKE(q->blocker));
	redis_link_free(TAKE(q->events));
	redis_link_free(TAKE(q->cancels));
	any = !list_is_empty(&q->flying);
	redis_link_shut(q->main);
	while ((c = list_first(&q->kept, struct redis_call, node))) {
		struct err e;

		err_set(&e, ERR_BUSY, 0, "The server is shutting down.");
		call_end(c, NULL, &e);
		any = true;
	}
	while (later_run(&q->later))
		any = true;
	return any;
}

static void close_queue(struct queue *base)
{
	struct redis_queue *q = redis_of(base);

	while (redis_stop(q))
		;
	assert(list_is_empty(&q->takes));
	redis_link_free(q->main);
	for (int i = 0; i < SCRIPT_COUNT; i++)
		free(q->shas[i]);
	while (!list_is_empty(&q->leases))
		lease_drop(q, list_first(&q->leases, struct held, node));
	id_map_done(&q->held);
	event_free(q->again);
	event_free(q->fetch_again);
	event_free(q->renewal);
	event_free(q->sweep);
	event_free(q->poll);
	event_free(q->listening);
	event_free(q->heart);
	later_queue_done(&q->later);
	workers_done(q);
	free(q->key_prefix);
	free(q->client_name);
	free(q->listener_name);
	free(q);
}

static const struct queue_ops ops = {
	.close = close_queue,
	.enqueue = enqueue,
	.take = redis_take,
	.take_cancel = redis_take_cancel,
	.waiting = waiting,
	.oldest_ms = oldest_ms,
};

/* "bull:" and the name in base64 is how BullMQ finds the workers of a queue among all clients. */
static void name_ourselves(struct redis_queue *q)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char random[16];
	AUTO(buf_done) struct buf encoded;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort();
	memcpy(q->worker, "cc-", 3);
	for (size_t i = 0; i < sizeof(random); i++) {
		q->worker[3 + 2 * i] = hex[random[i] >> 4];
		q->worker[4 + 2 * i] = hex[random[i] & 15];
	}
	buf_init(&encoded, 1024);
	if (!base64_add_encoded(&encoded, q->o.name, strlen(q->o.name)) ||
	    asprintf(&q->key_prefix, "%s:%s:", q->o.prefix, q->o.name) < 0 ||
	    asprintf(&q->client_name, "%s:%s:w:%s", q->o.prefix, buf_text(&encoded), q->worker) < 0 ||
	    asprintf(&q->listener_name, "%s:%s:qe", q->o.prefix, buf_text(&encoded)) < 0)
		abort();
}

static struct redis_link *link_new(struct redis_queue *q, const char *what, const char *client_name,
				   void (*up)(void *arg), void (*down)(void *arg))
{
	const struct redis_link_options o = {
		.base = q->base,
		.url = &q->url,
		.what = what,
		.client_name = client_name,
		.patience_ms = down ? PATIENCE_MS : BLOCK_PATIENCE_MS,
		.up = up,
		.down = down,
		.arg = q,
	};

	return redis_link_new(&o);
}

static struct event *timer_new(struct redis_queue *q, event_callback_fn fn)
{
	struct event *timer = evtimer_new(q->base, fn, q);

	if (!timer)
		abort();
	return timer;
}

static void on_fetch_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	take_go_on(arg);
}

static void connect_all(struct redis_queue *q)
{
	q->main = link_new(q, "queue", NULL, main_up, main_down);
	if (q->o.takes) {
		q->blocker = link_new(q, "worker", q->client_name, take_blocker_up, NULL);
		q->cancels = link_new(q, "cancel", NULL, cancels_up, NULL);
	}
	if (q->o.serves)
		q->events = link_new(q, "events", q->listener_name, events_up, NULL);
}

struct redis_queue *redis_open(struct event_base *base, const struct redis_options *o,
			       const struct redis_listener *l, struct err *e)
{
	struct redis_queue *q = calloc(1, sizeof(*q));

	if (!q)
		abort();
	if (redis_url_parse(o->url, &q->url, e) < 0) {
		free(q);
		return NULL;
	}
	q->queue.ops = &ops;
	q->base = base;
	q->o = *o;
	q->o.lock_ms = o->lock_ms ? o->lock_ms : LOCK_MS;
	q->o.stalled_ms = o->stalled_ms ? o->stalled_ms : LOCK_MS;
	q->listener = *l;
	q->started_ms = clock_wall_ms();
	list_init(&q->flying);
	list_init(&q->kept);
	list_init(&q->takes);
	list_init(&q->leases);
	id_map_init(&q->held);
	if (!later_queue_init(&q->later, base))
		abort();
	q->again = timer_new(q, on_again);
	q->fetch_again = timer_new(q, on_fetch_again);
	q->renewal = timer_new(q, on_renewal);
	q->sweep = timer_new(q, on_stalled_sweep);
	q->poll = timer_new(q, on_poll);
	q->listening = timer_new(q, on_listen_again);
	q->heart = timer_new(q, on_heart);
	name_ourselves(q);
	connect_all(q);
	return q;
}
