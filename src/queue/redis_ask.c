/* SPDX-License-Identifier: MIT */
/* Questions about jobs, and what is done to jobs that this process does not run. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "job/result.h"
#include "queue/redis_internal.h"

#define VALUE_MAX ((size_t)64 << 20)

/* ---- one job: done or not ---- */

struct did {
	redis_did_fn *fn;
	void *arg;
};

static void on_did(const redisReply *r, const struct err *e, void *arg)
{
	struct did *o = arg;

	o->fn(e ? 0 : (int)redis_integer(r), e, o->arg);
	free(o);
}

static struct did *did_new(redis_did_fn *fn, void *arg)
{
	struct did *o = calloc(1, sizeof(*o));

	if (!o)
		abort();
	o->fn = fn;
	o->arg = arg;
	return o;
}

void redis_withdraw(struct redis_queue *q, const struct result *r, redis_did_fn *fn, void *arg)
{
	struct redis_args args = { 0 };
	struct buf json;

	buf_init(&json, VALUE_MAX);
	redis_args_text(&args, r->id);
	redis_args_int(&args, clock_wall_ms());
	redis_args_text(&args, r->message);
	redis_args_text(&args, result_add_inline_json(&json, r, q->o.inline_max) ? buf_text(&json) : "");
	buf_done(&json);
	redis_args_text(&args, id_owner(r->id));
	redis_run(q, SCRIPT_WITHDRAW, &args, false, on_did, did_new(fn, arg));
}

void redis_cancel(struct redis_queue *q, const char *id, redis_did_fn *fn, void *arg)
{
	struct redis_args args = { 0 };
	char channel[600];

	snprintf(channel, sizeof(channel), "%scc:cancel", q->key_prefix);
	redis_args_text(&args, id);
	redis_args_text(&args, channel);
	redis_run(q, SCRIPT_CANCEL, &args, false, on_did, did_new(fn, arg));
}

void redis_begun(struct redis_queue *q, const char *id)
{
	struct redis_args args = { 0 };

	redis_args_text(&args, id);
	redis_run(q, SCRIPT_BEGUN, &args, true, NULL, NULL);
}

void redis_forget(struct redis_queue *q, const char *id, redis_did_fn *fn, void *arg)
{
	struct redis_args args = { 0 };

	redis_args_text(&args, id);
	redis_run(q, SCRIPT_FORGET, &args, false, on_did, did_new(fn, arg));
}

/* ---- where ---- */

struct where {
	redis_where_fn *fn;
	void *arg;
};

static enum redis_where where_of(const char *text)
{
	return strcmp(text, "missing") == 0  ? REDIS_MISSING
	       : strcmp(text, "ended") == 0  ? REDIS_ENDED
	       : strcmp(text, "active") == 0 ? REDIS_RUNS
					     : REDIS_WAITS;
}

static void on_where(const redisReply *r, const struct err *e, void *arg)
{
	struct where *o = arg;
	struct redis_place place = { .where = REDIS_MISSING, .position = QUEUE_FAR_BEHIND };

	if (!e && r->type == REDIS_REPLY_ARRAY && r->elements == 4) {
		place.where = where_of(redis_text(r->element[0]));
		place.position = redis_integer(r->element[1]);
		place.created_ms = redis_integer(r->element[2]);
		place.again = redis_integer(r->element[3]) == 1;
	}
	o->fn(&place, e, o->arg);
	free(o);
}

void redis_where(struct redis_queue *q, const char *id, redis_where_fn *fn, void *arg)
{
	struct where *o = calloc(1, sizeof(*o));
	struct redis_args args = { 0 };

	if (!o)
		abort();
	o->fn = fn;
	o->arg = arg;
	redis_args_text(&args, id);
	redis_run(q, SCRIPT_WHERE, &args, false, on_where, o);
}

struct states {
	redis_states_fn *fn;
	void *arg;
	int n;
};

static void on_states(const redisReply *r, const struct err *e, void *arg)
{
	struct states *o = arg;
	enum redis_where *found = calloc((size_t)o->n + 1, sizeof(*found));
	int n = 0;

	if (!found)
		abort();
	for (; !e && r->type == REDIS_REPLY_ARRAY && n < o->n && (size_t)n < r->elements; n++)
		found[n] = where_of(redis_text(r->element[n]));
	o->fn(found, n, e, o->arg);
	free(found);
	free(o);
}

void redis_states(struct redis_queue *q, const char *const *ids, int n, redis_states_fn *fn, void *arg)
{
	struct states *o = calloc(1, sizeof(*o));
	struct redis_args args = { 0 };

	if (!o)
		abort();
	o->fn = fn;
	o->arg = arg;
	o->n = n;
	for (int i = 0; i < n; i++)
		redis_args_text(&args, ids[i]);
	redis_run(q, SCRIPT_STATES, &args, false, on_states, o);
}

/* ---- outcome ---- */

struct outcome {
	char id[JOB_ID_SIZE];
	redis_outcome_fn *fn;
	void *arg;
};

enum {
	AT_STATE,
	AT_VALUE,
	AT_REASON,
	AT_CREATED,
	AT_STARTED,
	AT_FINISHED,
	AT_ATTEMPTS,
	AT_DATA,
	AT_OURS,
	AT_COUNT
};

static char *language_of(const redisReply *data)
{
	json_t *value = json_loadb(redis_text(data), redis_len(data), 0, NULL);
	const char *name = json_string_value(json_object_get(value, "language"));
	char *copy = strdup(name && strlen(name) < 64 ? name : "");

	json_decref(value);
	return copy;
}

/* Ours says what BullMQ's fields cannot: that a failed one was cancelled, say. */
static struct result *read_value(const char *id, redisReply *const *at)
{
	const redisReply *value = redis_len(at[AT_OURS]) > 0 ? at[AT_OURS] : at[AT_VALUE];

	if (strcmp(redis_text(at[AT_STATE]), "failed") == 0 && redis_len(at[AT_OURS]) == 0)
		return result_without_run(id, "", 0, 0, 0, VERDICT_INTERNAL_ERROR, redis_text(at[AT_REASON]));
	return result_from_foreign(id, redis_text(value), redis_len(value));
}

static struct result *read_outcome(const char *id, redisReply *const *at)
{
	struct result *r = read_value(id, at);

	if (!r)
		abort();
	free(r->language);
	r->language = language_of(at[AT_DATA]);
	r->foreign = redis_len(at[AT_OURS]) == 0;
	r->created_ms = redis_integer(at[AT_CREATED]);
	r->started_ms = redis_integer(at[AT_STARTED]);
	r->finished_ms = redis_integer(at[AT_FINISHED]);
	r->attempts = (int)redis_integer(at[AT_ATTEMPTS]);
	return r;
}

static void on_outcome(const redisReply *r, const struct err *e, void *arg)
{
	struct outcome *o = arg;
	AUTO(result_unref_p) struct result *result = NULL;

	if (!e && r->type == REDIS_REPLY_ARRAY && r->elements == AT_COUNT)
		result = read_outcome(o->id, r->element);
	o->fn(result, e, o->arg);
	free(o);
}

void redis_outcome(struct redis_queue *q, const char *id, redis_outcome_fn *fn, void *arg)
{
	struct outcome *o = calloc(1, sizeof(*o));
	struct redis_args args = { 0 };

	if (!o)
		abort();
	snprintf(o->id, sizeof(o->id), "%s", id);
	o->fn = fn;
	o->arg = arg;
	redis_args_text(&args, id);
	redis_run(q, SCRIPT_OUTCOME, &args, false, on_outcome, o);
}
