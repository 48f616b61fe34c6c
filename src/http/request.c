/* SPDX-License-Identifier: MIT */
/* From bytes to a handler's call: the head, what may be said against it before its body is read, the body. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/private.h"

static struct http_exchange *exchange_new(struct http_conn *c, size_t head_len)
{
	struct http_exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	list_init(&x->link);
	x->text = malloc(head_len + 1);
	if (!x->text) {
		free(x);
		return NULL;
	}
	buf_init(&x->body, (size_t)c->server->options.body_max);
	x->server = c->server;
	x->conn = c;
	c->exchange = x;
	list_push_back(&c->server->exchanges, &x->link);
	return x;
}

/* "application/json", with charset=utf-8 at most. */
static bool is_json_type(struct http_text v)
{
	static const char json[] = "application/json";
	size_t len = sizeof(json) - 1;
	struct http_text rest = v;

	rest.len = v.len < len ? v.len : len;
	if (!http_text_is(rest, json))
		return false;
	rest = (struct http_text){ v.data + len, v.len - len };
	while (rest.len > 0 && (rest.data[0] == ' ' || rest.data[0] == '\t' || rest.data[0] == ';')) {
		rest.data++;
		rest.len--;
	}
	if (rest.len == 0)
		return true;
	return v.len > len && strchr(" \t;", v.data[len]) != NULL &&
	       (http_text_is(rest, "charset=utf-8") || http_text_is(rest, "charset=\"utf-8\""));
}

/* What can be said of the body before it comes. True when it may come. */
static bool accept_body(struct http_conn *c, const struct http_exchange *x)
{
	const struct http_options *o = &c->server->options;
	const struct http_head *h = &x->head;
	struct http_text type;

	if (!h->chunked && h->content_length < 0)
		conn_refuse(c, 411, "This request needs a body: send Content-Length or chunks.", NULL);
	else if (!http_head_field(h, "Content-Type", &type) || !is_json_type(type))
		conn_refuse(c, 415, "Send the body as JSON, with Content-Type: application/json.", NULL);
	else if (http_head_field(h, "Content-Encoding", &type) && !http_text_is(type, "identity"))
		conn_refuse(c, 415, "Send the body uncompressed, without Content-Encoding.", NULL);
	else if (h->content_length > o->body_max)
		conn_refuse(c, 413, "The request body is larger than this server accepts.", "body");
	else if (h->content_length > o->bodies_max - c->server->stats.body_bytes)
		conn_refuse(c, 503, "Too many request bodies are in flight; try again later.", NULL);
	else
		return true;
	return false;
}

/* The path is unknown, or does not take the method. */
static void refuse_method(struct http_conn *c, const char *allow)
{
	char sentence[128], extra[80];

	if (!allow[0]) {
		conn_error(c, 404, "There is nothing at this path; docs/api.md lists what there is.", NULL,
			   "");
		return;
	}
	snprintf(sentence, sizeof(sentence), "This path does not take this method, but: %s.", allow);
	snprintf(extra, sizeof(extra), "Allow: %s\r\n", allow);
	conn_error(c, 405, sentence, NULL, extra);
}

/* The path of the head, decoded, as a string of its own within x->text. */
static char *decode_path(struct http_exchange *x)
{
	size_t at = (size_t)(x->head.path.data - x->text);
	size_t len = x->head.path.len;

	/* What follows a path is '?' or a space: room for the NUL. */
	return http_percent_decode(x->text + at, &len, false) ? x->text + at : NULL;
}

/* Whether the door lets it in. */
static bool is_admitted(struct http_conn *c, struct http_exchange *x)
{
	const struct http_options *o = &c->server->options;
	const struct http_arrival in = { .address = c->address, .head = &x->head, .route = x->route };
	struct http_turn_away answer = { 0 };
	char challenge[64] = "", extra[112];

	if (!o->admit || o->admit(&in, x->who, &answer, o->admit_arg))
		return true;
	if (answer.challenge)
		snprintf(challenge, sizeof(challenge), "WWW-Authenticate: %s\r\n", answer.challenge);
	snprintf(extra, sizeof(extra), "%s", challenge);
	if (answer.retry_after_s > 0)
		snprintf(extra, sizeof(extra), "%sRetry-After: %lld\r\n", challenge,
			 (long long)answer.retry_after_s);
	conn_error(c, answer.status, answer.sentence, NULL, extra);
	return false;
}

static bool take_route(struct http_conn *c, struct http_exchange *x)
{
	const struct http_head *h = &x->head;
	const char *path = decode_path(x);
	bool close = c->close;
	char allow[64];

	if (!path) {
		conn_refuse(c, 400, "The path is not percent-encoded UTF-8.", NULL);
		return false;
	}
	x->route = route_find(c->server->options.routes, h->method, path, &x->tail, allow, sizeof(allow));
	/* A body that may follow is not read when the request is refused here. */
	c->close = close || h->chunked || h->content_length > 0;
	if (!is_admitted(c, x))
		return false;
	if (!x->route) {
		refuse_method(c, allow);
		return false;
	}
	c->close = close;
	return true;
}

static void call_handler(struct http_conn *c, struct http_exchange *x)
{
	/* All of it is ours from here on, since the handler may end the exchange at once. */
	AUTO_FREE char *text = TAKE(x->text);
	AUTO(buf_done) struct buf body = x->body;
	struct http_head head = x->head;
	struct http_param params[HTTP_PARAMS_MAX];
	char who[HTTP_WHO_SIZE];
	struct http_request q = { .path = head.path.data, .tail = x->tail, .params = params, .head = &head };
	const char *why;

	buf_init(&x->body, 0);
	c->state = CONN_HANDLE;
	conn_set_timer(c, 0);
	q.n_params = http_query_parse(text + (head.query.data - text), head.query.len, params, &why);
	if (q.n_params < 0) {
		conn_error(c, 400, why, NULL, "");
		return;
	}
	q.method = head.method == HTTP_HEAD ? HTTP_GET : head.method;
	q.body = buf_text(&body);
	q.body_len = body.len;
	memcpy(who, x->who, sizeof(who));
	q.who = who;
	x->handled = true;
	c->server->stats.exchanges++;
	x->route->handler(x, &q, c->server->options.arg);
}

static void begin_body(struct http_conn *c, struct http_exchange *x)
{
	c->state = CONN_BODY;
	conn_set_timer(c, c->server->options.body_timeout_ms);
	/* Not when the client did not wait for it. */
	if (x->head.expect_continue && evbuffer_get_length(bufferevent_get_input(c->bev)) == 0)
		bufferevent_write(c->bev, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

/* The head is complete: decides what becomes of the request. */
static void begin_request(struct http_conn *c, struct http_exchange *x, size_t len)
{
	struct http_refusal r;

	if (!http_head_parse(x->text, len, &x->head, &r)) {
		conn_refuse(c, r.status, r.why, NULL);
		return;
	}
	c->close = !x->head.keep_alive || c->server->draining;
	c->head_only = x->head.method == HTTP_HEAD;
	if (!take_route(c, x))
		return;
	if (x->route->json_body) {
		if (accept_body(c, x))
			begin_body(c, x);
	} else if (x->head.chunked || x->head.content_length > 0) {
		conn_refuse(c, 400, "This request takes no body; send none.", NULL);
	} else {
		call_handler(c, x);
	}
}

/* Looks at the bytes that no earlier call has seen. */
static enum http_scan_status scan_input(struct http_conn *c, struct evbuffer *in)
{
	enum http_scan_status status = HTTP_SCAN_MORE;
	size_t total = evbuffer_get_length(in);

	while (status == HTTP_SCAN_MORE && c->scan.used < total && c->scan.used <= HTTP_HEAD_MAX) {
		struct evbuffer_ptr at;
		struct evbuffer_iovec v;

		evbuffer_ptr_set(in, &at, c->scan.used, EVBUFFER_PTR_SET);
		if (evbuffer_peek(in, -1, &at, &v, 1) < 1)
			break;
		status = http_scan_feed(&c->scan, v.iov_base, v.iov_len);
	}
	return status;
}

bool request_read_head(struct http_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct http_exchange *x;
	enum http_scan_status status;
	size_t len;

	if (evbuffer_get_length(in) == 0)
		return false;
	if (!c->begun) {
		c->begun = true;
		conn_set_timer(c, c->server->options.head_timeout_ms);
	}
	status = scan_input(c, in);
	len = c->scan.used;
	if (status == HTTP_SCAN_BAD) {
		conn_refuse(c, 400, c->scan.why, NULL);
	} else if (len > HTTP_HEAD_MAX) {
		conn_refuse(c, 431, "The request head is larger than 32 KiB.", NULL);
	} else if (status == HTTP_SCAN_MORE) {
		return false;
	} else {
		x = exchange_new(c, len);
		if (!x) {
			conn_refuse(c, 503, "The server is short of memory; try again later.", NULL);
			return true;
		}
		evbuffer_remove(in, x->text, len);
		x->text[len] = '\0';
		begin_request(c, x, len);
	}
	return true;
}

/* `more` bytes are here or announced. */
static bool has_room(struct http_conn *c, const struct http_exchange *x, uint64_t more)
{
	if (more <= x->body.max - x->body.len)
		return true;
	conn_refuse(c, 413, "The request body is larger than this server accepts.", "body");
	return false;
}

static bool add_body(struct http_conn *c, struct http_exchange *x, const char *data, size_t len)
{
	struct http_stats *stats = &c->server->stats;

	if (!has_room(c, x, len))
		return false;
	if ((int64_t)len > c->server->options.bodies_max - stats->body_bytes ||
	    !buf_add(&x->body, data, len)) {
		conn_refuse(c, 503, "Too many request bodies are in flight; try again later.", NULL);
		return false;
	}
	x->charged += len;
	stats->body_bytes += (int64_t)len;
	return true;
}

/* Takes a piece of the input; true when the body is complete or refused. */
static bool take_plain(struct http_conn *c, struct http_exchange *x, const struct evbuffer_iovec *v,
		       size_t *ret_used)
{
	size_t left = (size_t)x->head.content_length - x->body.len;

	*ret_used = v->iov_len < left ? v->iov_len : left;
	return !add_body(c, x, v->iov_base, *ret_used) || *ret_used == left;
}

static bool take_chunked(struct http_conn *c, struct http_exchange *x, const struct evbuffer_iovec *v,
			 size_t *ret_used)
{
	struct http_text payload;

	switch (http_chunk_feed(&x->chunk, v->iov_base, v->iov_len, ret_used, &payload)) {
	case HTTP_CHUNK_BAD:
		conn_refuse(c, 400, "The chunked body is malformed.", NULL);
		return true;
	case HTTP_CHUNK_DONE:
		return true;
	case HTTP_CHUNK_MORE:
		break;
	}
	/* What a chunk's size announces is refused before it comes; half a size is never too large by itself.
	 */
	return (payload.len > 0 && !add_body(c, x, payload.data, payload.len)) ||
	       !has_room(c, x, x->chunk.left);
}

bool request_read_body(struct http_conn *c)
{
	struct http_exchange *x = c->exchange;
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct evbuffer_iovec v;
	bool complete = !x->head.chunked && x->head.content_length == 0;

	while (!complete && evbuffer_peek(in, -1, NULL, &v, 1) > 0 && v.iov_len > 0) {
		size_t used;

		complete = x->head.chunked ? take_chunked(c, x, &v, &used) : take_plain(c, x, &v, &used);
		if (c->state != CONN_BODY)
			return true;
		evbuffer_drain(in, used);
	}
	if (complete)
		call_handler(c, x);
	return complete;
}
