/* SPDX-License-Identifier: MIT */
/* What others do: the stream of events, the channel of cancellations, the counts. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/redis_internal.h"

#define BLOCK_MS	"10000"
#define LISTEN_AGAIN_MS 500
#define POLL_MS		1000

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
	if (strcmp(event, "completed") != 0 && strcmp(event, "failed") != 0)
		return;
	q->n_ended[event[0] == 'f']++;
	if (strlen(id) < JOB_ID_SIZE)
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

/* ---- counts ---- */

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
	if (q->o.serves)
		workers_poll(q);
}
