/* SPDX-License-Identifier: MIT */
/* GET /healthz: the process serves requests. GET /readyz: a submit would be taken and run. */
#include <string.h>

#include "api/private.h"
#include "http/errors.h"

void healthz_get(struct http_exchange *x, const struct http_request *q, void *arg)
{
	(void)q;
	(void)arg;
	api_answer_json(x, 200, "{\"success\":true,\"status\":\"ok\"}");
}

static bool any_language(const struct lang_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->langs[i].available)
			return true;
	return false;
}

int api_check_ready(const struct api *a, struct err *e)
{
	struct exec_capacity c = { 0 };

	if (a->draining)
		return err_set(e, ERR_BUSY, 0, "the server is shutting down");
	if (flow_ready(a->options.flow, e) < 0)
		return -1;
	if (!any_language(a->options.langs))
		return err_set(e, ERR_BUSY, 0,
			       "no language is available yet; codecrusher doctor says what is missing");
	if (a->options.executor)
		executor_capacity(a->options.executor, &c);
	if (a->options.executor && c.ready + c.busy == 0)
		return err_set(e, ERR_BUSY, 0, "no slot is ready to run a program");
	return 0;
}

void readyz_get(struct http_exchange *x, const struct http_request *q, void *arg)
{
	struct buf body;
	struct err e;

	(void)q;
	if (api_check_ready(arg, &e) == 0) {
		api_answer_json(x, 200, "{\"success\":true,\"status\":\"ready\"}");
		return;
	}
	buf_init(&body, 4096);
	(void)http_add_error(&body, "NotReady", e.msg, NULL);
	http_answer_json(x, 503, &body);
}
