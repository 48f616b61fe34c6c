/* SPDX-License-Identifier: MIT */
/*
 * The HTTP API: one file per resource, docs/openapi.yaml says what each answers.
 *
 * It owns the HTTP server and nothing else: flow, languages, settings, door and executor are the caller's and
 * must outlive it. It takes the flow's one observer (flow_observe) for its metrics. On the event loop's
 * thread.
 */
#ifndef API_API_H
#define API_API_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "job/submission.h"

struct api;
struct cache;
struct conf;
struct door;
struct event_base;
struct executor;
struct flow;
struct precompile;

struct api_options {
	struct event_base *base;
	int listen_fd; /* from http_listen; the API's when api_new succeeds */
	struct flow *flow;
	const struct lang_table *langs; /* what probing finds later is seen */
	const struct conf *conf;
	struct door *door;	       /* who may come in (api/door.h); NULL: everybody */
	struct executor *executor;     /* for capacity in metrics and readiness; NULL: none in this process */
	struct cache *cache;	       /* for metrics; NULL: none */
	struct precompile *precompile; /* the same */
};

/* What submissions this server accepts, from its settings. */
void api_policy(const struct conf *c, const struct lang_table *langs, struct submission_policy *ret);

/* Answers from the next turn of the loop on. NULL with the reason. */
struct api *api_new(const struct api_options *o, struct err *e);

typedef void api_drained_fn(void *arg);
/*
 * Shuts down: no new connection, no new job; clients that wait are answered when their result comes, or with
 * the normal answer at the deadline. `fn` is called once, from the loop, a second after that at the latest
 * when the flow still answers: then no connection, watch or call into the flow is left.
 */
void api_drain(struct api *a, int64_t deadline_ms, api_drained_fn *fn, void *arg);

/* After api_drain has called back, and after flow_close, since the flow tells of results until then. NULL is
 * fine. */
void api_free(struct api *a);
DEFINE_AUTO(struct api, api_free)

#endif
