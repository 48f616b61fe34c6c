/* SPDX-License-Identifier: MIT */
/* POST /api/v1/submit */
#include <string.h>

#include "api/wait.h"
#include "base/clock.h"

static int check_available(const struct api *a, const struct submission *s, struct err *e)
{
	const struct lang *l = lang_find(a->options.langs, s->language);

	if (a->draining)
		return err_set(e, ERR_BUSY, 0, "the server is shutting down; try again later");
	if (l && l->available)
		return 0;
	if (l && l->package)
		return err_field(
			e, ERR_BUSY, "language",
			"no worker can run %s for now; where the worker runs, the package %s provides it",
			s->language, l->package);
	return err_field(e, ERR_BUSY, "language", "no worker can run %s for now", s->language);
}

static void submitted(const struct err *e, void *arg)
{
	struct wait *w = arg;

	if (!e)
		metrics_count_accepted(w->api->metrics);
	if (e && e->kind == ERR_TOO_MANY)
		door_count_share(w->api->options.door);
	if (!wait_called_back(w))
		return;
	http_exchange_release_body(w->x);
	if (e)
		wait_answer_err(w, e);
	else
		wait_park(w);
}

/* The watch comes first: job and result may become durable in one commit. */
static void enqueue(struct api *a, struct http_exchange *x, struct submission *s, const struct query *q,
		    const char *who)
{
	struct wait *w;
	struct err e;

	s->created_ms = clock_wall_ms();
	id_new_owned(s->created_ms, who, s->id);
	s->share = door_queue_share(a->options.door, who);
	w = wait_new(a, x, WAIT_SUBMIT, s->id, q);
	if (!w)
		return;
	wait_watch(w);
	w->calling = true;
	if (flow_submit(a->options.flow, s, submitted, w, &e) < 0) {
		w->calling = false;
		if (e.kind == ERR_TOO_MANY)
			door_count_share(a->options.door);
		wait_answer_err(w, &e);
	}
}

void submit_post(struct http_exchange *x, const struct http_request *q, void *arg)
{
	AUTO(submission_unref_p) struct submission *s = NULL;
	struct api *a = arg;
	struct query query;
	struct err e;

	if (query_read(a, q, QUERY_WAIT | QUERY_ENCODING, &query, &e) == 0)
		s = submission_parse(q->body, q->body_len, &a->policy, &e);
	if (s && check_available(a, s, &e) == 0)
		enqueue(a, x, s, &query, q->who);
	else
		http_answer_err(x, &e);
}
