/* SPDX-License-Identifier: MIT */
/* What others do: the stream of events, the channel of cancellations, the list of workers. */
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/redis_internal.h"

#define BLOCK_MS	"10000"
#define LISTEN_AGAIN_MS 500
#define POLL_MS		1000
#define HEART_MS	5000
/* A worker that was silent for so long is dead to the APIs. */
#define LIFE_MS 15000

/* ---- events ---- */

static void read_events(struct redis_queue *q);

/* An answer that is an error (a Redis that is loading, say) leaves the connection up. */
static void listen_again(struct redis_queue *q)
{
	redis_timer(q->listening, LISTEN_AGAIN_MS);
}

void on_listen_again(int fd, short what, void *arg)
{
	struct redis_queue *q = arg;

	(void)fd;
	(void)what;
	if (!q->stopping && redis_link_is_up(q->events))
		events_up(q);
}

static void on_event(struct redis_queue *q, const redisReply *fields)
{
	const char *event = "", *id = "";

	for (size_t i = 0; i + 1 < fields->elements; i += 2) {
		if (strcmp(redis_text(fields->element[i]), "event") == 0)
			event = redis_text(fields->element[i + 1]);
		else if (strcmp(redis_text(fields->element[i]), "jobId") == 0)
			id = redis_text(fields->element[i + 1]);
	}
	if ((strcmp(event, "completed") == 0 || strcmp(event, "failed") == 0) && strlen(id) < JOB_ID_SIZE)
		q->listener.ended(id, q->listener.arg);
}

/* An entry is its id and its fields. */
static void on_entries(struct redis_queue *q, const redisReply *entries)
{
	for (size_t i = 0; i < entries->elements; i++) {
		const redisReply *entry = entries->element[i];

		if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2)
			continue;
		snprintf(q->last_event, sizeof(q->last_event), "%s", redis_text(entry->element[0]));
		if (entry->element[1]->type == REDIS_REPLY_ARRAY)
			on_event(q, entry->element[1]);
	}
}

static void on_read(const redisReply *r, const struct err *e, void *arg)
{
	struct redis_queue *q = arg;

	if (q->stopping)
		return;
	if (e) {
		listen_again(q);
		return;
	}
	for (size_t i = 0; r->type == REDIS_REPLY_ARRAY && i < r->elements; i++) {
		const redisReply *stream = r->element[i];

		if (stream->type == REDIS_REPLY_ARRAY && stream->elements == 2)
			on_entries(q, stream->element[1]);
	}
	read_events(q);
}

static void add_events_key(struct redis_args *words, const struct redis_queue *q)
{
	char key[600];

	snprintf(key, sizeof(key), "%sevents", q->key_prefix);
	redis_args_text(words, key);
}

static void read_events(struct redis_queue *q)
{
	struct redis_args words = { 0 };

	redis_args_text(&words, "XREAD");
	redis_args_text(&words, "BLOCK");
	redis_args_text(&words, BLOCK_MS);
	redis_args_text(&words, "COUNT");
	redis_args_text(&words, "200");
	redis_args_text(&words, "STREAMS");
	add_events_key(&words, q);
	redis_args_text(&words, q->last_event);
	(void)redis_link_send(q->events, &words, on_read, q);
	redis_args_done(&words);
}

/* Where the stream ends now; what came before is read from the store. */
static void on_end(const redisReply *r, const struct err *e, void *arg)
{
	struct redis_queue *q = arg;

	if (q->stopping)
		return;
	if (e) {
		listen_again(q);
		return;
	}
	snprintf(q->last_event, sizeof(q->last_event), "0-0");
	if (r->type == REDIS_REPLY_ARRAY && r->elements == 1 && r->element[0]->elements == 2)
		snprintf(q->last_event, sizeof(q->last_event), "%s", redis_text(r->element[0]->element[0]));
	read_events(q);
	q->listener.missed(q->listener.arg);
}

void events_up(void *arg)
{
	struct redis_queue *q = arg;
	struct redis_args words = { 0 };

	redis_args_text(&words, "XREVRANGE");
	add_events_key(&words, q);
	redis_args_text(&words, "+");
	redis_args_text(&words, "-");
	redis_args_text(&words, "COUNT");
	redis_args_text(&words, "1");
	(void)event_del(q->listening);
	(void)redis_link_send(q->events, &words, on_end, q);
	redis_args_done(&words);
}

/* ---- cancellations ---- */

static void on_cancelled(const redisReply *r, const struct err *e, void *arg)
{
	struct redis_queue *q = arg;
	const char *id;

	if (e || q->stopping || r->type != REDIS_REPLY_ARRAY || r->elements != 3 ||
	    strcmp(redis_text(r->element[0]), "message") != 0)
		return;
	id = redis_text(r->element[2]);
	if (held_find(q, id))
		q->listener.cancelled(id, q->listener.arg);
}

void cancels_up(void *arg)
{
	struct redis_queue *q = arg;
	char channel[600];

	snprintf(channel, sizeof(channel), "%scc:cancel", q->key_prefix);
	(void)redis_link_subscribe(q->cancels, channel, on_cancelled, q);
	/* What was said meanwhile is asked for with the next renewal, and that is now. */
	lease_renew(q);
}

/* ---- what live workers can run ---- */

static void on_workers(const redisReply *r, const struct err *e, void *arg)
{
	struct redis_queue *q = arg;
	const struct lang_table *langs = q->o.policy->langs;
	size_t n = !e && r->type == REDIS_REPLY_ARRAY ? r->elements : 0;
	const char **versions = calloc(langs->n + 1, sizeof(*versions));
	json_t **infos = calloc(n + 1, sizeof(json_t *));

	if (!versions || !infos)
		abort();
	for (size_t i = 0; i < n; i++) {
		json_t *known;

		infos[i] = json_loadb(redis_text(r->element[i]), r->element[i]->len, 0, NULL);
		known = json_object_get(infos[i], "languages");
		for (size_t k = 0; k < langs->n; k++) {
			const char *version = json_string_value(json_object_get(known, langs->langs[k].name));

			versions[k] = version ? version : versions[k];
		}
	}
	if (!e && !q->stopping)
		q->listener.languages(versions, q->listener.arg);
	for (size_t i = 0; i < n; i++)
		json_decref(infos[i]);
	free(infos);
	free(versions);
}

static void on_counts(const redisReply *r, const struct err *e, void *arg)
{
	struct redis_queue *q = arg;

	if (e || r->type != REDIS_REPLY_ARRAY || r->elements != 3)
		return;
	q->n_waiting = redis_integer(r->element[0]);
	q->n_active = redis_integer(r->element[1]);
	q->oldest_ms = redis_integer(r->element[2]);
}

void on_poll(int fd, short what, void *arg)
{
	struct redis_queue *q = arg;
	struct redis_args none = { 0 };

	(void)fd;
	(void)what;
	if (q->stopping)
		return;
	redis_timer(q->poll, POLL_MS);
	if (!redis_link_is_up(q->main))
		return;
	redis_run(q, SCRIPT_COUNTS, &none, false, on_counts, q);
	/* Whoever has a worker itself knows its languages first-hand. */
	if (q->o.serves && !q->o.takes)
		redis_run(q, SCRIPT_WORKERS, &none, false, on_workers, q);
}

/* ---- what this worker can run ---- */

static char *describe(const struct redis_queue *q)
{
	const struct lang_table *langs = q->o.policy->langs;
	json_t *root, *known = json_object();
	char *text;

	for (size_t i = 0; i < langs->n; i++) {
		const struct lang *l = &langs->langs[i];

		if (l->available)
			json_object_set_new(known, l->name, json_string(l->version ? l->version : ""));
	}
	root = json_pack("{s:s,s:i,s:s,s:o}", "id", q->worker, "slots", (int)q->o.slots, "version",
			 CODECRUSHER_VERSION, "languages", known);
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	if (!text)
		abort();
	return text;
}

static void beat(struct redis_queue *q, int64_t life_ms)
{
	struct redis_args args = { 0 };
	char *text = describe(q);

	redis_args_text(&args, q->worker);
	redis_args_int(&args, life_ms);
	redis_args_text(&args, text);
	free(text);
	redis_run(q, SCRIPT_HEARTBEAT, &args, false, NULL, NULL);
}

void on_heart(int fd, short what, void *arg)
{
	struct redis_queue *q = arg;

	(void)fd;
	(void)what;
	if (q->stopping || !q->o.takes)
		return;
	redis_timer(q->heart, HEART_MS);
	if (redis_link_is_up(q->main))
		beat(q, LIFE_MS);
}

void redis_publish(struct redis_queue *q)
{
	on_heart(-1, 0, q);
}

void redis_retire(struct redis_queue *q)
{
	(void)event_del(q->heart);
	if (redis_link_is_up(q->main) && !q->stopping)
		beat(q, 0);
}
