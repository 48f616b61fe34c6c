/* SPDX-License-Identifier: MIT */
/* GET /api/v1/workers */
#include "queue/workers.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/private.h"
#include "base/clock.h"

/* Times as everywhere in the API; null for one that is not known. */
static json_t *time_of(int64_t ms)
{
	char text[CLOCK_RFC3339_SIZE];

	if (ms <= 0)
		return json_null();
	clock_format_rfc3339(ms, text);
	return json_string(text);
}

/* Names to versions; a version that nobody knows is null. */
static json_t *languages_of(json_t *told)
{
	json_t *object = json_object(), *value;
	const char *name;

	json_object_foreach(told, name, value)
	{
		const char *version = json_string_value(value);

		json_object_set_new(object, name, version && version[0] ? json_string(version) : json_null());
	}
	return object;
}

static json_t *worker(const struct queue_worker *w)
{
	return json_pack("{s:s,s:s,s:s,s:b,s:b,s:I,s:I,s:o,s:o,s:o}", "id", w->id, "host", w->host, "version",
			 w->version, "alive", w->alive, "draining", w->draining, "slots",
			 (json_int_t)w->slots, "running", (json_int_t)w->running, "languages",
			 languages_of(w->languages), "startedAt", time_of(w->started_ms), "seenAt",
			 time_of(w->seen_ms));
}

static json_t *own_languages(const struct lang_table *langs)
{
	json_t *object = json_object();

	for (size_t i = 0; i < langs->n; i++) {
		const struct lang *l = &langs->langs[i];

		if (l->available)
			json_object_set_new(object, l->name, json_string(l->version ? l->version : ""));
	}
	return object;
}

/* Embedded, this process is the only worker, and answers for itself. */
static json_t *own_worker(const struct api *a)
{
	char host[256] = "";
	json_t *known = own_languages(a->options.langs), *object;
	struct exec_capacity capacity = { 0 };
	struct flow_counts counts;
	struct queue_worker w = { .id = "embedded", .host = host, .version = CODECRUSHER_VERSION };

	(void)gethostname(host, sizeof(host) - 1);
	flow_counts(a->options.flow, &counts);
	if (a->options.executor)
		executor_capacity(a->options.executor, &capacity);
	w.alive = capacity.slots > 0;
	w.slots = capacity.slots;
	w.running = counts.running;
	w.languages = known;
	w.started_ms = a->started_ms;
	w.seen_ms = clock_wall_ms();
	object = worker(&w);
	json_decref(known);
	return object;
}

void workers_get(struct http_exchange *x, const struct http_request *q, void *arg)
{
	struct api *a = arg;
	const struct queue_worker *workers;
	struct query none;
	json_t *list;
	struct err e;
	size_t n;

	if (query_read(a, q, 0, &none, &e) < 0 || flow_workers(a->options.flow, &workers, &n, &e) < 0) {
		http_answer_err(x, &e);
		return;
	}
	list = json_array();
	if (!workers)
		json_array_append_new(list, own_worker(a));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, worker(&workers[i]));
	api_answer_list(x, "workers", list);
}
