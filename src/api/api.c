/* SPDX-License-Identifier: MIT */
#include "api/api.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/wait.h"
#include "base/clock.h"

#define ARGS_MAX	 1024
#define WRITE_TIMEOUT_MS 30000
#define FLUSH_MS	 1000 /* after a drain's deadline, for the last answers to leave */

static const struct http_route routes[] = {
	{ HTTP_POST, "/api/v1/submit", submit_post, true, ACCESS_KEY },
	{ HTTP_GET, "/api/v1/result", result_get, false, ACCESS_KEY },
	{ HTTP_GET, "/api/v1/jobs/{id}", job_get, false, ACCESS_KEY },
	{ HTTP_DELETE, "/api/v1/jobs/{id}", job_delete, false, ACCESS_KEY },
	{ HTTP_GET, "/api/v1/languages", languages_get, false, ACCESS_KEY },
	{ HTTP_GET, "/api/v1/workers", workers_get, false, ACCESS_ALL },
	{ HTTP_GET, "/healthz", healthz_get, false, ACCESS_FREE },
	{ HTTP_GET, "/readyz", readyz_get, false, ACCESS_FREE },
	{ HTTP_GET, "/metrics", metrics_get, false, ACCESS_ALL },
	{ .path = NULL },
};

void api_answer_json(struct http_exchange *x, int status, const char *text)
{
	struct buf body;

	buf_init(&body, strlen(text));
	(void)buf_add_str(&body, text);
	http_answer_json(x, status, &body);
}

void api_answer_list(struct http_exchange *x, const char *name, json_t *list)
{
	json_t *root = json_pack("{s:b,s:o}", "success", 1, name, list);
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	struct err e;

	json_decref(root);
	if (text) {
		api_answer_json(x, 200, text);
	} else {
		err_set(&e, ERR_BUSY, 0, "the server is short of memory; try again later");
		http_answer_err(x, &e);
	}
	free(text);
}

bool api_shows(const struct api *a, const struct http_request *q, const char *id)
{
	return flow_is_id(a->options.flow, id) && door_owns(a->options.door, q->who, id);
}

static struct limits limits_of(const struct conf_limits *c)
{
	return (struct limits){ .cpu_ms = c->cpu_ms,
				.wall_ms = c->wall_ms,
				.memory_bytes = c->memory_bytes,
				.processes = c->processes,
				.output_bytes = c->output_bytes,
				.file_bytes = c->file_bytes,
				.disk_bytes = c->disk_bytes };
}

void api_policy(const struct conf *c, const struct lang_table *langs, struct submission_policy *ret)
{
	*ret = (struct submission_policy){
		.langs = langs,
		.source_max = (size_t)c->source_max,
		.stdin_max = (size_t)c->stdin_max,
		.files_max = (size_t)c->files_max,
		.args_max = ARGS_MAX,
		.defaults = limits_of(&c->defaults),
		.maxima = limits_of(&c->maxima),
		.compile_defaults = limits_of(&c->compile_defaults),
		.compile_maxima = limits_of(&c->compile_maxima),
	};
}

static void drain_deadline(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	wait_expire_all(arg);
}

static struct http_server *serve(struct api *a, struct err *e)
{
	const struct conf *c = a->options.conf;
	const struct http_options o = {
		.routes = routes,
		.arg = a,
		.admit = a->options.door ? door_admit : NULL,
		.admit_arg = a->options.door,
		.connections_max = c->connections_max,
		.body_max = c->body_max,
		.bodies_max = c->bodies_max,
		.answers_max = c->bodies_max,
		.head_timeout_ms = c->head_timeout_s * 1000,
		.body_timeout_ms = c->body_timeout_s * 1000,
		.idle_timeout_ms = c->idle_timeout_s * 1000,
		.write_timeout_ms = WRITE_TIMEOUT_MS,
	};

	return http_server_new(a->options.base, a->options.listen_fd, &o, e);
}

struct api *api_new(const struct api_options *o, struct err *e)
{
	AUTO(api_free_p) struct api *a = calloc(1, sizeof(*a));

	if (a) {
		list_init(&a->waits);
		a->options = *o;
		a->started_ms = clock_wall_ms();
		api_policy(o->conf, o->langs, &a->policy);
		a->metrics = metrics_new(o->langs);
		a->drain_timer = event_new(o->base, -1, 0, drain_deadline, a);
	}
	if (!a || !a->metrics || !a->drain_timer) {
		err_set(e, ERR_IO, ENOMEM, "start the API");
		return NULL;
	}
	a->http = serve(a, e);
	if (!a->http)
		return NULL;
	flow_observe(o->flow, metrics_count_result, a->metrics);
	return TAKE(a);
}

void api_check_drained(struct api *a)
{
	api_drained_fn *fn = a->drained;

	if (!fn || !a->http_drained || !list_is_empty(&a->waits))
		return;
	a->drained = NULL;
	fn(a->drained_arg);
}

static void http_is_drained(void *arg)
{
	struct api *a = arg;

	a->http_drained = true;
	api_check_drained(a);
}

void api_drain(struct api *a, int64_t deadline_ms, api_drained_fn *fn, void *arg)
{
	struct timeval tv = { .tv_sec = deadline_ms / 1000, .tv_usec = deadline_ms % 1000 * 1000 };

	assert(!a->draining);
	a->draining = true;
	a->drained = fn;
	a->drained_arg = arg;
	(void)event_add(a->drain_timer, &tv);
	http_server_drain(a->http, deadline_ms + FLUSH_MS, http_is_drained, a);
}

void api_free(struct api *a)
{
	if (!a)
		return;
	a->drained = NULL;
	/* Whoever is parked leaves with the connection. */
	http_server_free(a->http);
	if (a->drain_timer)
		event_free(a->drain_timer);
	metrics_free(a->metrics);
	free(a);
}
