/* SPDX-License-Identifier: MIT */
/*
 * Jobs come. As long as somebody asks, one of two things is on its way: a fetch, which brings a job or says
 * that there is none, or a wait for the marker that whoever makes a job runnable sets (BZPOPMIN, on a
 * connection of its own). The marker is a hint only: after each wait a fetch follows, whether or not it was
 * there.
 */
#include <assert.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/redis_internal.h"

#define BLOCK_MS     5000  /* when no delayed job is known */
#define BLOCK_MAX_MS 10000 /* however far the next delayed job is */
#define PAUSE_MS     500   /* after an error */
#define ID_TOO_LONG  "The job's id is longer than this worker can hold (127 bytes)."
#define ID_UNUSABLE \
	"The job's id has characters that this worker cannot hold: use printable ASCII without spaces."
/* BullMQ's own words. */
#define STALLED_OUT "job stalled more than allowable limit"
#define HAS_PARENT  "This worker does not run jobs that belong to a BullMQ flow (they have a parent)."

/* ---- a fetched job ---- */

/* Fields of a job's hash that are looked at. */
struct fields {
	const redisReply *data, *opts, *timestamp, *made, *started, *deferred, *cancelled, *parent, *ended;
};

static void read_fields(const redisReply *flat, struct fields *f)
{
	const struct {
		const char *name;
		const redisReply **at;
	} wanted[] = {
		{ "data", &f->data },		{ "opts", &f->opts },
		{ "timestamp", &f->timestamp }, { "atm", &f->made },
		{ "ats", &f->started },		{ "defa", &f->deferred },
		{ "cc:cancel", &f->cancelled }, { "parentKey", &f->parent },
		{ "cc:ended", &f->ended },
	};

	*f = (struct fields){ 0 };
	for (size_t i = 0; i + 1 < flat->elements; i += 2) {
		for (size_t k = 0; k < sizeof(wanted) / sizeof(wanted[0]); k++) {
			if (strcmp(redis_text(flat->element[i]), wanted[k].name) == 0)
				*wanted[k].at = flat->element[i + 1];
		}
	}
}

static int64_t field_number(const redisReply *r)
{
	return r ? redis_integer(r) : 0;
}

static struct held *held_new(struct redis_queue *q, const char *id, const char *token, const struct fields *f)
{
	struct held *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	snprintf(h->id, sizeof(h->id), "%s", id);
	snprintf(h->token, sizeof(h->token), "%s", token);
	h->made = field_number(f->made);
	h->started = field_number(f->started);
	opts_read(h, f->opts ? redis_text(f->opts) : "{}", f->opts ? redis_len(f->opts) : 2,
		  q->o.result_ttl_ms / 1000);
	id_map_add(&q->held, &h->by_id, h->id);
	list_push_back(&q->leases, &h->node);
	if (q->held.n == 1)
		redis_timer(q->renewal, q->o.lock_ms / 3);
	return h;
}

static bool is_stored(json_t *data)
{
	return json_is_true(json_object_get(data, "stored"));
}

/* What the job carries: a submission, or the word that the store has it, or why it can be neither. `e` holds
 * the sentence, `data` the language's text. */
static void read_data(const struct redis_queue *q, const struct fields *f, struct queue_job *j, json_t **data,
		      struct err *e)
{
	const char *text = f->data ? redis_text(f->data) : "";
	size_t len = f->data ? redis_len(f->data) : 0;

	*data = json_loadb(text, len, 0, NULL);
	j->language = json_string_value(json_object_get(*data, "language"));
	if (is_stored(*data)) {
		j->load = true;
		return;
	}
	j->submission = submission_parse(text, len, q->o.policy, e);
	if (!j->submission) {
		j->problem = e->msg;
		return;
	}
	snprintf(j->submission->id, sizeof(j->submission->id), "%s", j->id);
	j->submission->created_ms = j->created_ms;
}

static void hand_out(struct redis_queue *q, struct queue_job *j)
{
	struct queue_take *t = list_first(&q->takes, struct queue_take, node);
	queue_take_fn *fn;
	void *arg;

	assert(t);
	fn = t->fn;
	arg = t->arg;
	list_remove(&t->node);
	free(t);
	fn(j, arg);
}

/* Why a job that could be run must end instead: `text` holds a sentence that is made. NULL: nothing. */
static const char *why_not(const struct redis_queue *q, const char *id, const struct fields *f,
			   char text[200])
{
	const struct held *h = held_find(q, id);
	long long before = (long long)h->started - 1;

	/* Whoever put it back too often has written down what it must end with. */
	if (f->deferred && strcmp(redis_text(f->deferred), STALLED_OUT) != 0)
		return redis_text(f->deferred);
	if (f->parent && redis_text(f->parent)[0])
		return HAS_PARENT;
	/* Who has it retried by hand wants one more. */
	if (!f->deferred && (f->ended || before < lease_starts_max(q, h->attempts)))
		return NULL;
	snprintf(text, 200, "The job was started %lld times and lost each time (" STALLED_OUT ").", before);
	return text;
}

static void read_and_hand_out(struct redis_queue *q, const char *id, const struct fields *f)
{
	struct queue_job j = { .attempt = (int)field_number(f->started), .stored = true };
	char text[200];
	const char *why = why_not(q, id, f, text);
	json_t *data = NULL;
	struct err e;

	snprintf(j.id, sizeof(j.id), "%s", id);
	j.own = id_is_valid(id);
	j.created_ms = field_number(f->timestamp);
	j.cancelled = f->cancelled != NULL;
	j.again = f->ended != NULL;
	read_data(q, f, &j, &data, &e);
	if (why) {
		j.problem = why;
		j.attempt--; /* it was only fetched */
	}
	if (j.problem && j.submission)
		submission_unref(TAKE(j.submission));
	if (j.problem)
		j.load = false;
	hand_out(q, &j);
	json_decref(data);
}

/* A job that cannot even be named here: ended in the queue alone. */
static void refuse(struct redis_queue *q, const char *id, const char *token, const char *why)
{
	struct redis_args args = { 0 };

	log_warn(NULL, "a job of the queue was refused: %s", why);
	redis_args_text(&args, id);
	redis_args_text(&args, token);
	redis_args_int(&args, clock_wall_ms());
	redis_args_text(&args, "failed");
	redis_args_text(&args, why);
	redis_args_int(&args, -1);
	redis_args_int(&args, q->o.result_ttl_ms / 1000);
	redis_args_int(&args, 1000);
	redis_args_int(&args, 1);
	redis_args_text(&args, "[]");
	redis_args_text(&args, "");
	redis_run(q, SCRIPT_FINISH, &args, true, NULL, NULL);
}

/* ---- fetching ---- */

struct fetch {
	struct redis_queue *queue;
	char token[TOKEN_SIZE];
};

static void wait_for_marker(struct redis_queue *q);

static void put_back(struct redis_queue *q, const char *id, const char *token)
{
	struct redis_args args = { 0 };

	redis_args_text(&args, id);
	redis_args_text(&args, token);
	redis_args_int(&args, clock_wall_ms());
	redis_args_int(&args, 0);
	redis_run(q, SCRIPT_GIVE_BACK, &args, true, NULL, NULL);
}

/* The answer was lost, so perhaps a job came with it. */
static void recover(struct redis_queue *q, const char *token)
{
	struct redis_args args = { 0 };

	redis_args_text(&args, token);
	redis_run(q, SCRIPT_RECOVER, &args, true, NULL, NULL);
}

static void got_job(struct redis_queue *q, const redisReply *r, const char *token)
{
	const char *id = redis_text(r->element[1]);
	struct fields f;

	read_fields(r->element[2], &f);
	if (redis_len(r->element[1]) >= JOB_ID_SIZE) {
		refuse(q, id, token, ID_TOO_LONG);
	} else if (!id_is_valid(id) && !id_is_foreign(id)) {
		refuse(q, id, token, ID_UNUSABLE);
	} else if (list_is_empty(&q->takes)) {
		put_back(q, id, token);
	} else {
		(void)held_new(q, id, token, &f);
		read_and_hand_out(q, id, &f);
	}
}

/* Once for a trouble: it may last for hours, and is met twice a second. */
static void tell_trouble(struct redis_queue *q, const struct err *e)
{
	if (e && !q->told_trouble)
		log_warn(NULL, "no job can be fetched for now: %s", e->msg);
	else if (!e && q->told_trouble)
		log_info(NULL, "jobs can be fetched again");
	q->told_trouble = e != NULL;
}

static void fetch_failed(struct fetch *f, const struct err *e)
{
	struct redis_queue *q = f->queue;

	if (e && !q->stopping && strstr(e->msg, "connection to Redis"))
		recover(q, f->token);
	else if (e && !q->stopping)
		tell_trouble(q, e);
	redis_timer(q->fetch_again, PAUSE_MS);
	free(f);
}

static void fetched(const redisReply *r, const struct err *e, void *arg)
{
	struct fetch *f = arg;
	struct redis_queue *q = f->queue;

	q->fetching = false;
	if (e || r->type != REDIS_REPLY_ARRAY || r->elements < 2) {
		fetch_failed(f, e);
		return;
	}
	tell_trouble(q, NULL);
	if (redis_integer(r->element[0]) == 1 && r->elements == 3) {
		got_job(q, r, f->token);
		take_go_on(q);
	} else if (redis_integer(r->element[0]) == 2) {
		int64_t ms = redis_integer(r->element[1]);

		redis_timer(q->fetch_again, ms < 1 ? 1 : ms < BLOCK_MAX_MS ? ms : BLOCK_MAX_MS);
	} else {
		q->until_ms = redis_integer(r->element[1]);
		wait_for_marker(q);
	}
	free(f);
}

void take_go_on(struct redis_queue *q)
{
	struct redis_args args = { 0 };
	struct fetch *f;

	if (q->stopping || q->fetching || q->blocking || list_is_empty(&q->takes) ||
	    !redis_link_is_up(q->main))
		return;
	f = calloc(1, sizeof(*f));
	if (!f)
		abort();
	f->queue = q;
	snprintf(f->token, sizeof(f->token), "%s:%llu", q->worker, (unsigned long long)++q->n_tokens);
	q->fetching = true;
	(void)event_del(q->fetch_again);
	redis_args_int(&args, clock_wall_ms());
	redis_args_text(&args, f->token);
	redis_args_int(&args, q->o.lock_ms);
	redis_args_text(&args, q->worker);
	redis_run(q, SCRIPT_FETCH, &args, false, fetched, f);
}

/* ---- waiting ---- */

static void dropped_marker(const redisReply *r, const struct err *e, void *arg)
{
	(void)r;
	(void)e;
	(void)arg;
}

/* Nobody asks any more, and the marker that came is another worker's. */
static void return_marker(struct redis_queue *q, const redisReply *r)
{
	struct redis_args words = { 0 };

	redis_args_text(&words, "ZADD");
	redis_args_text(&words, redis_text(r->element[0]));
	redis_args_text(&words, redis_text(r->element[2]));
	redis_args_text(&words, redis_text(r->element[1]));
	(void)redis_link_send(q->main, &words, dropped_marker, NULL);
	redis_args_done(&words);
}

static void on_marker(const redisReply *r, const struct err *e, void *arg)
{
	struct redis_queue *q = arg;
	bool popped = !e && r->type == REDIS_REPLY_ARRAY && r->elements == 3;

	q->blocking = false;
	if (q->stopping)
		return;
	if (e) {
		redis_timer(q->fetch_again, PAUSE_MS);
		return;
	}
	if (list_is_empty(&q->takes)) {
		if (popped)
			return_marker(q, r);
		return;
	}
	if (popped && strcmp(redis_text(r->element[1]), "1") == 0) {
		int64_t due = (int64_t)strtod(redis_text(r->element[2]), NULL);

		if (due > clock_wall_ms()) {
			q->until_ms = due;
			wait_for_marker(q);
			return;
		}
	}
	take_go_on(q);
}

static void wait_for_marker(struct redis_queue *q)
{
	struct redis_args words = { 0 };
	int64_t ms = BLOCK_MS;
	char key[600], timeout[32];

	if (list_is_empty(&q->takes) || q->blocking)
		return;
	if (q->until_ms > 0) {
		ms = q->until_ms - clock_wall_ms();
		ms = ms < 2 ? 2 : ms < BLOCK_MAX_MS ? ms : BLOCK_MAX_MS;
	}
	snprintf(key, sizeof(key), "%smarker", q->key_prefix);
	snprintf(timeout, sizeof(timeout), "%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
	redis_args_text(&words, "BZPOPMIN");
	redis_args_text(&words, key);
	redis_args_text(&words, timeout);
	q->blocking = redis_link_send(q->blocker, &words, on_marker, q);
	redis_args_done(&words);
	if (!q->blocking)
		redis_timer(q->fetch_again, PAUSE_MS);
}

void take_blocker_up(void *arg)
{
	take_go_on(arg);
}

/* ---- asking ---- */

struct queue_take *redis_take(struct queue *base, queue_take_fn *fn, void *arg)
{
	struct redis_queue *q = redis_of(base);
	struct queue_take *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->fn = fn;
	t->arg = arg;
	list_push_back(&q->takes, &t->node);
	/* From the loop, and never inside this call: several asked at once share one timer. */
	if (!q->fetching && !q->blocking)
		redis_timer(q->fetch_again, 0);
	return t;
}

void redis_take_cancel(struct queue_take *t)
{
	list_remove(&t->node);
	free(t);
}
