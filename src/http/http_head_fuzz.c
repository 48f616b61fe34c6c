/* SPDX-License-Identifier: MIT */
/* The head scanner, fed in pieces and at once, must agree with itself; what it lets through, the parser must
 * take or refuse without touching a byte outside; paths and queries that come out are decoded. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "http/head.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void within(const char *text, size_t len, struct http_text t)
{
	check(t.data >= text && t.len <= len && t.data + t.len <= text + len);
}

static void decode(const struct http_text *t, bool query)
{
	AUTO_FREE char *copy = malloc(t->len + 1);
	struct http_param params[HTTP_PARAMS_MAX];
	const char *why = NULL;
	size_t len = t->len;

	memcpy(copy, t->data, len);
	if (query)
		check(http_query_parse(copy, len, params, &why) >= 0 || why);
	else if (http_percent_decode(copy, &len, false))
		check(len <= t->len && copy[len] == '\0' && strlen(copy) == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_scan whole = { 0 }, pieces = { 0 };
	enum http_scan_status a = http_scan_feed(&whole, (const char *)data, size), b = HTTP_SCAN_MORE;
	AUTO_FREE char *text = NULL;
	struct http_refusal r = { 0 };
	struct http_head h;
	struct http_text v;

	for (size_t i = 0; i < size && b == HTTP_SCAN_MORE; i++)
		b = http_scan_feed(&pieces, (const char *)data + i, 1);
	check(a == b && whole.used == pieces.used);
	if (a != HTTP_SCAN_END)
		return 0;
	/* Its own allocation, so that one byte too far is seen. */
	text = malloc(whole.used);
	memcpy(text, data, whole.used);
	if (!http_head_parse(text, whole.used, &h, &r)) {
		check(r.status >= 400 && r.status <= 599 && r.why);
		return 0;
	}
	check(h.method != HTTP_UNKNOWN && h.path.len > 0 && h.path.data[0] == '/');
	check(!h.chunked || h.content_length < 0);
	within(text, whole.used, h.path);
	within(text, whole.used, h.query);
	if (http_head_field(&h, "Host", &v))
		within(text, whole.used, v);
	decode(&h.path, false);
	decode(&h.query, true);
	return 0;
}
