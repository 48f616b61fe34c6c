/* SPDX-License-Identifier: MIT */
/* What the files of src/api share. Not for other directories. */
#ifndef API_PRIVATE_H
#define API_PRIVATE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <jansson.h>

#include "api/api.h"
#include "api/door.h"
#include "api/metrics.h"
#include "base/list.h"
#include "conf/conf.h"
#include "executor/executor.h"
#include "http/server.h"
#include "job/result.h"
#include "queue/flow.h"

#define RESULT_JSON_MAX ((size_t)1 << 30)

struct api {
	struct api_options options;
	struct submission_policy policy;
	struct http_server *http;
	struct metrics *metrics;
	struct list waits;  /* all, parked or with a call into the flow */
	int64_t n_parked;   /* clients that wait for a result */
	int64_t started_ms; /* wall clock */
	bool draining;
	bool http_drained;
	struct event *drain_timer;
	api_drained_fn *drained;
	void *drained_arg;
};

/* api.c */
/* Ends a drain once nothing is left. */
void api_check_drained(struct api *a);
void api_answer_json(struct http_exchange *x, int status, const char *text);
/* Answers 200 with {"success":true,NAME:list}; takes the list over. Without memory for it: 503. */
void api_answer_list(struct http_exchange *x, const char *name, json_t *list);
/* Whether the sender of a request may know of this job; without that, it is as if there were none. */
bool api_shows(const struct api *a, const struct http_request *q, const char *id);

/* health.c */
/* Whether a submit would be taken and run; -1 with why not. */
int api_check_ready(const struct api *a, struct err *e);

/* query.c */
enum { QUERY_JOB_ID = 1, QUERY_WAIT = 2, QUERY_ENCODING = 4 };
struct query {
	const char *job_id; /* borrowed from the request; NULL: not given */
	int64_t wait_ms;
	enum output_encoding encoding;
};
/* Reads the parameters that `allowed` names; any other is ERR_INVALID with its name as the field. */
int query_read(const struct api *a, const struct http_request *q, int allowed, struct query *ret,
	       struct err *e);
/* "true" or seconds, up to three decimals; more than the cap is the cap. */
int query_parse_wait(const char *text, int64_t max_s, int64_t *ret_ms, struct err *e);

/* One per resource and method. */
http_handler_fn submit_post, result_get, job_get, job_delete, languages_get, workers_get, healthz_get,
	readyz_get, metrics_get;

#endif
