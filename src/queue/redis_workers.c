/* SPDX-License-Identifier: MIT */
/* The workers of the queue: each tells every few seconds what it is and can run, and APIs read what they
 * told. */
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/redis_internal.h"

#define HEART_MS 5000
/* A worker that was silent for so long is dead to the APIs. */
#define LIFE_MS 15000
/* And is shown as dead for so long. */
#define SHOWN_MS 600000

/* ---- what others told ---- */

void workers_done(struct redis_queue *q)
{
	for (size_t i = 0; i < q->n_workers; i++)
		json_decref(q->infos[i]);
	free(q->infos);
	free(q->workers);
	q->infos = NULL;
	q->workers = NULL;
	q->n_workers = 0;
}

static const char *text_of(json_t *info, const char *name)
{
	const char *text = json_string_value(json_object_get(info, name));

	return text ? text : "";
}

static int64_t number_of(json_t *info, const char *name)
{
	return json_integer_value(json_object_get(info, name));
}

/* `left_ms`: until it is dead, or since when it has been. */
static void read_worker(struct queue_worker *w, json_t *info, int64_t left_ms)
{
	/* Whoever can write to Redis says this, so it may be anything. */
	left_ms = left_ms > LIFE_MS ? LIFE_MS : left_ms < -SHOWN_MS ? -SHOWN_MS : left_ms;
	*w = (struct queue_worker){
		.id = text_of(info, "id"),
		.host = text_of(info, "host"),
		.version = text_of(info, "version"),
		.alive = left_ms > 0,
		.draining = json_is_true(json_object_get(info, "draining")),
		.slots = number_of(info, "slots"),
		.running = number_of(info, "running"),
		.started_ms = number_of(info, "started"),
		.seen_ms = clock_wall_ms() + left_ms - LIFE_MS,
		.languages = json_object_get(info, "languages"),
	};
}

static void read_workers(struct redis_queue *q, const redisReply *r)
{
	size_t n = r->type == REDIS_REPLY_ARRAY ? r->elements / 2 : 0;

	workers_done(q);
	q->infos = calloc(n + 1, sizeof(json_t *));
	q->workers = calloc(n + 1, sizeof(*q->workers));
	if (!q->infos || !q->workers)
		abort();
	for (size_t i = 0; i < n; i++) {
		const redisReply *text = r->element[2 * i];
		json_t *info = json_loadb(redis_text(text), redis_len(text), 0, NULL);

		if (!json_is_object(info)) {
			json_decref(info);
			continue;
		}
		read_worker(&q->workers[q->n_workers], info, redis_integer(r->element[2 * i + 1]));
		q->infos[q->n_workers++] = info;
	}
}

/* Which languages the living have, for an API that has no worker itself. */
static void tell_languages(struct redis_queue *q)
{
	const struct lang_table *langs = q->o.policy->langs;
	const char **versions = calloc(langs->n + 1, sizeof(*versions));

	if (!versions)
		abort();
	for (size_t i = 0; i < q->n_workers; i++) {
		for (size_t k = 0; q->workers[i].alive && k < langs->n; k++) {
			json_t *known = json_object_get(q->workers[i].languages, langs->langs[k].name);

			versions[k] = json_is_string(known) ? json_string_value(known) : versions[k];
		}
	}
	q->listener.languages(versions, q->listener.arg);
	free(versions);
}

static void on_workers(const redisReply *r, const struct err *e, void *arg)
{
	struct redis_queue *q = arg;

	if (e || q->stopping)
		return;
	read_workers(q, r);
	/* Whoever has a worker itself knows its languages first-hand. */
	if (!q->o.takes)
		tell_languages(q);
}

void workers_poll(struct redis_queue *q)
{
	struct redis_args args = { 0 };

	redis_args_int(&args, SHOWN_MS);
	redis_run(q, SCRIPT_WORKERS, &args, false, on_workers, q);
}

int redis_workers(const struct redis_queue *q, const struct queue_worker **ret, size_t *ret_n, struct err *e)
{
	if (redis_ready(q, e) < 0)
		return -1;
	if (!q->workers)
		return err_set(e, ERR_BUSY, 0, "The workers are not known yet. Try again later.");
	*ret = q->workers;
	*ret_n = q->n_workers;
	return 0;
}

/* ---- what this worker tells ---- */

static json_t *languages(const struct redis_queue *q)
{
	const struct lang_table *langs = q->o.policy->langs;
	json_t *known = json_object();

	for (size_t i = 0; !q->retired && i < langs->n; i++) {
		const struct lang *l = &langs->langs[i];

		if (l->available)
			json_object_set_new(known, l->name, json_string(l->version ? l->version : ""));
	}
	return known;
}

static char *describe(const struct redis_queue *q)
{
	char host[256] = "";
	json_t *root;
	char *text;

	(void)gethostname(host, sizeof(host) - 1);
	root = json_pack("{s:s,s:s,s:i,s:i,s:s,s:b,s:I,s:o}", "id", q->worker, "host", host, "slots",
			 (int)q->o.slots, "running", (int)q->held.n, "version", CODECRUSHER_VERSION,
			 "draining", q->retired, "started", (json_int_t)q->started_ms, "languages",
			 languages(q));
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
	redis_args_int(&args, SHOWN_MS);
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
	q->retired = true;
	on_heart(-1, 0, q);
}

void redis_leave(struct redis_queue *q)
{
	(void)event_del(q->heart);
	if (q->o.takes && redis_link_is_up(q->main) && !q->stopping)
		beat(q, 0);
}
