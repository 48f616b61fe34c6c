/* SPDX-License-Identifier: MIT */
#include "api/wait.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/errors.h"

static void unpark(struct wait *w)
{
	(void)event_del(&w->timer);
	if (w->parked)
		w->api->n_parked--;
	w->parked = false;
}

/* Whoever waited has got an answer or has left. */
static void wait_end(struct wait *w)
{
	struct api *a = w->api;

	unpark(w);
	flow_unwatch(&w->watch);
	w->x = NULL;
	if (w->calling)
		return;
	list_remove(&w->link);
	free(w);
	api_check_drained(a);
}

bool wait_called_back(struct wait *w)
{
	w->calling = false;
	if (w->x)
		return true;
	wait_end(w);
	return false;
}

void wait_answer_text(struct wait *w, int status, const char *json)
{
	api_answer_json(w->x, status, json);
	wait_end(w);
}

void wait_answer_err(struct wait *w, const struct err *e)
{
	http_answer_err(w->x, e);
	wait_end(w);
}

void wait_answer_not_found(struct wait *w)
{
	struct buf body;

	buf_init(&body, 1024);
	(void)http_add_error(&body, "NotFound",
			     "There is no job with this id; a finished job is removed after some time.",
			     NULL);
	http_answer_json(w->x, 404, &body);
	wait_end(w);
}

static void answer_result(struct wait *w, const struct result *r)
{
	struct buf body;
	struct err e;

	/* Before the work of writing it: what nobody gets must not hold up the others. */
	if (!http_exchange_has_room(w->x, r->run.out.data.len + r->run.err.data.len)) {
		err_set(&e, ERR_BUSY, 0,
			"too many answers wait to be read by their clients; try again later");
		wait_answer_err(w, &e);
		return;
	}
	buf_init(&body, RESULT_JSON_MAX);
	if (result_add_json(&body, r, w->encoding, w->kind == WAIT_JOB)) {
		http_answer_json(w->x, 200, &body);
	} else {
		buf_done(&body);
		err_set(&e, ERR_IO, 0, "the result of %s is too large to be sent", w->id);
		http_answer_err(w->x, &e);
	}
	wait_end(w);
}

static void answer_job(struct wait *w, const struct job_view *view)
{
	char created[CLOCK_RFC3339_SIZE];
	struct buf body;

	clock_format_rfc3339(view->created_ms, created);
	buf_init(&body, 1024);
	(void)buf_printf(&body,
			 "{\"success\":false,\"status\":\"Pending\",\"jobId\":\"%s\",\"state\":\"%s\",",
			 w->id, job_state_name(view->state));
	if (view->state == JOB_QUEUED && view->position >= 0)
		(void)buf_printf(&body, "\"position\":%lld,", (long long)view->position);
	(void)buf_printf(&body, "\"createdAt\":\"%s\"}", created);
	http_answer_json(w->x, 200, &body);
	wait_end(w);
}

/* The answer of a wait that brought no result. */
static void answer_unfinished(struct wait *w)
{
	char text[96];

	if (w->kind == WAIT_JOB) {
		/* Its state may have changed while it was parked. */
		(void)http_exchange_on_gone(w->x, NULL, NULL);
		flow_unwatch(&w->watch);
		w->until_ms = 0;
		wait_look_up(w);
		return;
	}
	snprintf(text, sizeof(text), "{\"success\":true,\"jobId\":\"%s\"}", w->id);
	wait_answer_text(w, 200,
			 w->kind == WAIT_SUBMIT ? text : "{\"success\":false,\"status\":\"Pending\"}");
}

static void time_is_up(int fd, short what, void *arg)
{
	struct wait *w = arg;

	(void)fd;
	(void)what;
	unpark(w);
	answer_unfinished(w);
}

static void client_left(void *arg)
{
	wait_end(arg);
}

void wait_park(struct wait *w)
{
	int64_t left = w->until_ms ? w->until_ms - clock_mono_ms() : 0;
	struct timeval tv = { .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };

	/* The second: when the client has left already, the answer goes nowhere. */
	if (left <= 0 || !http_exchange_on_gone(w->x, client_left, w)) {
		answer_unfinished(w);
		return;
	}
	w->parked = true;
	w->api->n_parked++;
	(void)event_add(&w->timer, &tv);
}

static void told(struct result *r, void *arg)
{
	struct wait *w = arg;

	/* It is gone with this call. */
	w->watch = NULL;
	answer_result(w, r);
}

static void got(const struct job_view *view, const struct err *e, void *arg)
{
	struct wait *w = arg;

	if (!wait_called_back(w))
		return;
	if (!view && e)
		wait_answer_err(w, e);
	else if (!view)
		wait_answer_not_found(w);
	else if (view->state == JOB_FINISHED && view->result)
		answer_result(w, view->result);
	else if (w->until_ms)
		wait_park(w);
	else if (w->kind == WAIT_JOB)
		answer_job(w, view);
	else
		answer_unfinished(w);
}

struct wait *wait_new(struct api *a, struct http_exchange *x, enum wait_kind kind, const char *id,
		      const struct query *q)
{
	struct wait *w = calloc(1, sizeof(*w));
	struct err e;

	if (!w) {
		err_set(&e, ERR_BUSY, 0, "the server is short of memory; try again later");
		http_answer_err(x, &e);
		return NULL;
	}
	assert(strlen(id) < sizeof(w->id));
	memcpy(w->id, id, strlen(id) + 1);
	w->api = a;
	w->x = x;
	w->kind = kind;
	w->encoding = q->encoding;
	w->until_ms = q->wait_ms > 0 && !a->draining ? clock_mono_ms() + q->wait_ms : 0;
	(void)event_assign(&w->timer, a->options.base, -1, 0, time_is_up, w);
	list_push_back(&a->waits, &w->link);
	return w;
}

void wait_watch(struct wait *w)
{
	if (w->until_ms)
		w->watch = flow_watch(w->api->options.flow, w->id, told, w);
}

void wait_look_up(struct wait *w)
{
	wait_watch(w);
	w->calling = true;
	flow_get(w->api->options.flow, w->id, got, w);
}

void wait_expire_all(struct api *a)
{
	struct wait *w;

	list_for_each (w, &a->waits, struct wait, link) {
		/* Those with a call on its way find no time left when it returns. */
		w->until_ms = 0;
		if (w->parked) {
			unpark(w);
			answer_unfinished(w);
		}
	}
}
