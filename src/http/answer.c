/* SPDX-License-Identifier: MIT */
/* Exchanges: what a handler sees of a connection, and how it answers. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "http/errors.h"
#include "http/private.h"

const char *http_request_param(const struct http_request *q, const char *name)
{
	for (int i = 0; i < q->n_params; i++)
		if (strcmp(q->params[i].name, name) == 0)
			return q->params[i].value;
	return NULL;
}

bool http_exchange_on_gone(struct http_exchange *x, http_gone_fn *fn, void *arg)
{
	if (!x->conn)
		return false;
	x->gone = fn;
	x->gone_arg = arg;
	/* The peer shut its sending half before there was a callback: the same rule holds, but not within
	 * this call, whose caller may still use the exchange. */
	if (fn && x->conn->eof)
		event_active(&x->conn->hangup, EV_CLOSED, 0);
	return true;
}

bool http_exchange_has_room(const struct http_exchange *x, size_t bytes)
{
	return x->conn && server_has_room(x->conn->server, bytes);
}

void http_exchange_release_body(struct http_exchange *x)
{
	if (x->server)
		x->server->stats.body_bytes -= (int64_t)x->charged;
	x->charged = 0;
}

void exchange_free(struct http_exchange *x)
{
	http_exchange_release_body(x);
	if (x->server && x->handled)
		x->server->stats.exchanges--;
	if (x->conn)
		x->conn->exchange = NULL;
	list_remove(&x->link);
	buf_done(&x->body);
	free(x->text);
	free(x);
}

void exchange_abandon(struct http_exchange *x)
{
	http_gone_fn *gone = x->gone;
	void *arg = x->gone_arg;

	x->conn->exchange = NULL;
	x->conn = NULL;
	if (x->handled && !gone)
		return; /* the handler still owes an answer, which ends it */
	exchange_free(x);
	if (gone)
		gone(arg);
}

void http_answer(struct http_exchange *x, int status, const char *type, struct buf *body)
{
	struct http_conn *c = x->conn;
	char extra[40] = "";

	assert(x->handled);
	exchange_free(x);
	if (!c) {
		buf_done(body);
		return;
	}
	if (http_retry_after(status))
		snprintf(extra, sizeof(extra), "Retry-After: %d\r\n", http_retry_after(status));
	conn_send(c, status, type, extra, body);
}

void http_answer_json(struct http_exchange *x, int status, struct buf *body)
{
	http_answer(x, status, HTTP_JSON, body);
}

void http_answer_err(struct http_exchange *x, const struct err *e)
{
	int status = http_status_of(e->kind);
	const char *sentence = e->msg;
	struct buf body;

	if (status == 500) {
		log_error(NULL, "request failed: %s", e->msg);
		sentence = "The server could not do this; its log says why.";
	}
	buf_init(&body, 4096);
	if (!http_add_error(&body, NULL, sentence, e->field))
		buf_clear(&body);
	http_answer_json(x, status, &body);
}
