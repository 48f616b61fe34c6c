/* SPDX-License-Identifier: MIT */
/* GET and DELETE /api/v1/jobs/{id} */
#include <stdio.h>

#include "api/wait.h"

/* The wait of a request about the job that the path names; NULL when it is answered: no such job. */
static struct wait *begin(struct http_exchange *x, const struct http_request *q, struct api *a,
			  enum wait_kind kind, int allowed)
{
	struct query query;
	struct wait *w;
	struct err e;

	if (query_read(a, q, allowed, &query, &e) < 0) {
		http_answer_err(x, &e);
		return NULL;
	}
	w = wait_new(a, x, kind, api_shows(a, q, q->tail) ? q->tail : "", &query);
	if (!w || w->id[0])
		return w;
	wait_answer_not_found(w);
	return NULL;
}

void job_get(struct http_exchange *x, const struct http_request *q, void *arg)
{
	struct wait *w = begin(x, q, arg, WAIT_JOB, QUERY_WAIT | QUERY_ENCODING);

	if (w)
		wait_look_up(w);
}

static void removed(enum flow_removal what, const struct err *e, void *arg)
{
	struct wait *w = arg;
	char text[JOB_ID_SIZE + 64];

	if (!wait_called_back(w))
		return;
	if (e) {
		wait_answer_err(w, e);
		return;
	}
	switch (what) {
	case FLOW_NO_SUCH_JOB:
		wait_answer_not_found(w);
		break;
	case FLOW_CANCELLED:
		snprintf(text, sizeof(text), "{\"success\":true,\"status\":\"Cancelled\",\"jobId\":\"%s\"}",
			 w->id);
		wait_answer_text(w, 200, text);
		break;
	case FLOW_REMOVED:
		wait_answer_text(w, 204, "");
		break;
	}
}

void job_delete(struct http_exchange *x, const struct http_request *q, void *arg)
{
	struct wait *w = begin(x, q, arg, WAIT_REMOVE, 0);

	if (!w)
		return;
	w->calling = true;
	flow_remove(w->api->options.flow, w->id, removed, w);
}
