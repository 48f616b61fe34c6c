/* SPDX-License-Identifier: MIT */
#include "base/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "http/chunk.h"
#include "http/errors.h"
#include "http/head.h"
#include "http/uri.h"

/* 200 for a head that is taken, else the status of the refusal; 0 when more bytes are needed. */
static int try_head(const char *data, size_t len, struct http_head *h)
{
	struct http_scan s = { 0 };
	struct http_refusal r;

	switch (http_scan_feed(&s, data, len)) {
	case HTTP_SCAN_MORE:
		return 0;
	case HTTP_SCAN_BAD:
		assert_non_null(s.why);
		return 400;
	case HTTP_SCAN_END:
		break;
	}
	if (http_head_parse(data, s.used, h, &r))
		return 200;
	assert_non_null(r.why);
	return r.status;
}

struct head_row {
	int status;
	const char *head;
	size_t len; /* 0: strlen */
};

#define H "Host: x\r\n"

static const struct head_row head_rows[] = {
	{ 200, "GET / HTTP/1.1\r\n" H "\r\n", 0 },
	{ 200, "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 0 },
	{ 200, "GET http://example.org/a?b HTTP/1.1\r\n" H "\r\n", 0 },
	{ 200, "GET / HTTP/1.0\r\n\r\n", 0 },
	{ 200, "GET / HTTP/1.1\r\nHost:\r\nX-Empty:\r\n\r\n", 0 },
	{ 200, "GET / HTTP/1.1\r\nHost: [::1]:3000\r\nX-Bytes: \xff\xfe\r\n\r\n", 0 },
	{ 200, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n", 0 },
	{ 200, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n", 0 },
	{ 0, "GET / HTTP/1.1\r\n" H, 0 },
	{ 0, "GET / HT", 0 },
	/* the request line */
	{ 400, "GET  / HTTP/1.1\r\n" H "\r\n", 0 },
	{ 400, "GET / HTTP/1.1 \r\n" H "\r\n", 0 },
	{ 400, "GET /\r\n\r\n", 0 },
	{ 400, " GET / HTTP/1.1\r\n" H "\r\n", 0 },
	{ 400, "GET / http/1.1\r\n" H "\r\n", 0 },
	{ 400, "GET / HTTP/1.x\r\n" H "\r\n", 0 },
	{ 400, "G@T / HTTP/1.1\r\n" H "\r\n", 0 },
	{ 400, "GET a HTTP/1.1\r\n" H "\r\n", 0 },
	{ 400, "GET https://a/b HTTP/1.1\r\n" H "\r\n", 0 },
	{ 400, "GET http://a HTTP/1.1\r\n" H "\r\n", 0 },
	{ 400, "GET /#a HTTP/1.1\r\n" H "\r\n", 0 },
	{ 400, "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 0 },
	{ 400, "GET /\tx HTTP/1.1\r\n" H "\r\n", 0 },
	{ 501, "get / HTTP/1.1\r\n" H "\r\n", 0 },
	{ 501, "BREW / HTTP/1.1\r\n" H "\r\n", 0 },
	{ 501, "CONNECT a:1 HTTP/1.1\r\n" H "\r\n", 0 },
	{ 505, "GET / HTTP/2.0\r\n" H "\r\n", 0 },
	{ 505, "PRI * HTTP/2.0\r\n\r\n", 0 },
	{ 505, "GET / HTTP/1.2\r\n" H "\r\n", 0 },
	{ 505, "GET / HTTP/0.9\r\n" H "\r\n", 0 },
	/* Host */
	{ 400, "GET / HTTP/1.1\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\n" H H "\r\n", 0 },
	{ 400, "GET / HTTP/1.0\r\n" H H "\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 0 },
	/* framing */
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 0 },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 0 },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", 0 },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", 0 },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\n", 0 },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", 0 },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\n", 0 },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 0 },
	{ 400, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 0 },
	{ 400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 0 },
	{ 400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	  0 },
	{ 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 0 },
	{ 501, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 0 },
	{ 501, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 0 },
	{ 501, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 0 },
	{ 501, "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", 0 },
	{ 417, "POST / HTTP/1.1\r\n" H "Expect: tea\r\n\r\n", 0 },
	/* fields */
	{ 400, "GET / HTTP/1.1\r\n" H "A : b\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\n" H "A\t: b\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\n A: b\r\n" H "\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\n" H "\tA: b\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\n" H "no colon\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\n" H ": b\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\n" H "A(b): c\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n",
	  sizeof("GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n") - 1 },
	{ 400, "GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\n" H "A: b\r\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\n" H "A: b\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1\n" H "\r\n", 0 },
	{ 400, "GET / HTTP/1.1\r\n" H "A: \x01\r\n\r\n", 0 },
	{ 400, "\x16\x03\x01\x02", 0 },
};

TEST(each_malformed_head_has_its_status)
{
	struct http_head h;

	for (size_t i = 0; i < sizeof(head_rows) / sizeof(head_rows[0]); i++) {
		const struct head_row *row = &head_rows[i];
		int got = try_head(row->head, row->len ? row->len : strlen(row->head), &h);

		if (got != row->status)
			print_error("%d instead of %d: %s\n", got, row->status, row->head);
		assert_int_equal(got, row->status);
	}
}

static void assert_text(struct http_text t, const char *want)
{
	assert_int_equal(t.len, strlen(want));
	assert_memory_equal(t.data, want, t.len);
}

TEST(a_head_gives_its_parts)
{
	static const char head[] =
		"POST http://h:1/a%20b?c=d&e HTTP/1.1\r\nHost: h\r\ncontent-length:  12 \r\n"
		"Expect: 100-Continue\r\nX-A: 1\r\nX-a: 2\r\nConnection: foo, Close\r\n\r\nrest";
	struct http_text v;
	struct http_head h;

	assert_int_equal(try_head(head, strlen(head), &h), 200);
	assert_int_equal(h.method, HTTP_POST);
	assert_int_equal(h.minor, 1);
	assert_text(h.path, "/a%20b");
	assert_text(h.query, "c=d&e");
	assert_int_equal(h.content_length, 12);
	assert_true(h.expect_continue);
	assert_false(h.keep_alive);
	assert_false(h.chunked);
	assert_true(http_head_field(&h, "x-A", &v));
	assert_text(v, "1");
	assert_false(http_head_field(&h, "X", &v));
}

TEST(a_length_beyond_every_number_is_the_largest)
{
	struct http_head h;
	const char *head = "POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999999\r\n\r\n";

	assert_int_equal(try_head(head, strlen(head), &h), 200);
	assert_true(h.content_length == INT64_MAX);
}

TEST(the_hundred_and_first_field_is_refused)
{
	AUTO(buf_done) struct buf b;
	struct http_head h;

	buf_init(&b, 32768);
	buf_add_str(&b, "GET / HTTP/1.1\r\n" H);
	for (int i = 1; i < HTTP_HEADERS_MAX; i++)
		buf_add_str(&b, "A: b\r\n");
	buf_add_str(&b, "\r\n");
	assert_int_equal(try_head(b.data, b.len, &h), 200);
	b.len -= 2;
	buf_add_str(&b, "A: b\r\n\r\n");
	assert_int_equal(try_head(b.data, b.len, &h), 431);
}

/* Feeds in steps; the payload lands in `out`. */
static enum http_chunk_status decode(const char *data, size_t len, size_t step, struct buf *out,
				     size_t *ret_end)
{
	struct http_chunk c = { 0 };
	enum http_chunk_status status = HTTP_CHUNK_MORE;
	size_t at = 0, used;

	while (status == HTTP_CHUNK_MORE && at < len) {
		struct http_text payload;

		status = http_chunk_feed(&c, data + at, len - at < step ? len - at : step, &used, &payload);
		assert_true(buf_add(out, payload.data, payload.len));
		at += used;
	}
	*ret_end = at;
	return status;
}

static const struct {
	enum http_chunk_status status;
	const char *bytes, *payload;
} chunk_rows[] = {
	{ HTTP_CHUNK_DONE, "0\r\n\r\n", "" },
	{ HTTP_CHUNK_DONE, "3\r\nabc\r\n0\r\n\r\n", "abc" },
	{ HTTP_CHUNK_DONE, "1\r\na\r\n00B\r\nbcdefghijkl\r\n0;x=y\r\nT: u\r\n\r\n", "abcdefghijkl" },
	{ HTTP_CHUNK_MORE, "5\r\nab", "ab" },
	{ HTTP_CHUNK_MORE, "0\r\n", "" },
	{ HTTP_CHUNK_BAD, "\r\n", "" },
	{ HTTP_CHUNK_BAD, "g\r\n", "" },
	{ HTTP_CHUNK_BAD, "-1\r\n", "" },
	{ HTTP_CHUNK_BAD, "0x3\r\nabc\r\n", "" },
	{ HTTP_CHUNK_BAD, " 3\r\nabc\r\n", "" },
	{ HTTP_CHUNK_BAD, "3\nabc\r\n", "" },
	{ HTTP_CHUNK_BAD, "3\rabc\r\n", "" },
	{ HTTP_CHUNK_BAD, "3\r\nabcd\r\n0\r\n\r\n", "abc" },
	{ HTTP_CHUNK_BAD, "3\r\nabc\n0\r\n\r\n", "abc" },
	{ HTTP_CHUNK_BAD, "0\r\n\n", "" },
	{ HTTP_CHUNK_BAD, "0\r\nT: \x01\r\n\r\n", "" },
	{ HTTP_CHUNK_BAD, "1111111111111111\r\n", "" },
	{ HTTP_CHUNK_BAD, "3;a\x01\r\nabc\r\n", "" },
};

TEST(chunks_are_read_the_same_in_any_pieces)
{
	for (size_t i = 0; i < sizeof(chunk_rows) / sizeof(chunk_rows[0]); i++) {
		size_t len = strlen(chunk_rows[i].bytes), end;

		for (size_t step = 1; step <= len; step++) {
			AUTO(buf_done) struct buf out;

			buf_init(&out, 1024);
			assert_int_equal(decode(chunk_rows[i].bytes, len, step, &out, &end),
					 chunk_rows[i].status);
			assert_string_equal(buf_text(&out), chunk_rows[i].payload);
			if (chunk_rows[i].status == HTTP_CHUNK_DONE)
				assert_int_equal(end, len);
		}
	}
}

TEST(extensions_cannot_go_on_for_ever)
{
	AUTO(buf_done) struct buf in, out;
	size_t end;

	buf_init(&in, 100000);
	buf_init(&out, 100000);
	for (int i = 0; i < 2000; i++)
		buf_add_str(&in, "1;abcdefg\r\nx\r\n");
	assert_int_equal(decode(in.data, in.len, 100000, &out, &end), HTTP_CHUNK_BAD);
	assert_true(out.len < 1300);
}

TEST(what_follows_the_last_chunk_is_not_taken)
{
	AUTO(buf_done) struct buf out;
	size_t end;

	buf_init(&out, 10);
	assert_int_equal(decode("1\r\na\r\n0\r\n\r\nGET /", 16, 100, &out, &end), HTTP_CHUNK_DONE);
	assert_int_equal(end, 11);
}

TEST(percent_decoding_is_strict)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "/a%20b+c", "/a b+c" }, { "%c3%A4", "\xc3\xa4" }, { "", "" },	      { "%", NULL },
		{ "%4", NULL },		  { "%4g", NULL },	    { "a%00", NULL }, { "%ff", NULL },
		{ "%c3", NULL },	  { "%%41", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[32];
		size_t len = strlen(rows[i].in);

		memcpy(text, rows[i].in, len);
		assert_int_equal(http_percent_decode(text, &len, false), rows[i].out != NULL);
		if (rows[i].out)
			assert_string_equal(text, rows[i].out);
	}
}

static int query(const char *text, struct http_param params[HTTP_PARAMS_MAX], char copy[256])
{
	const char *why = NULL;
	int n;

	snprintf(copy, 256, "%s", text);
	n = http_query_parse(copy, strlen(copy), params, &why);
	assert_true(n >= 0 || why);
	return n;
}

TEST(a_query_gives_its_parameters)
{
	struct http_param p[HTTP_PARAMS_MAX];
	char copy[256];

	assert_int_equal(query("", p, copy), 0);
	assert_int_equal(query("a=1&&b%20c=x+y%2B=&d", p, copy), 3);
	assert_string_equal(p[0].name, "a");
	assert_string_equal(p[0].value, "1");
	assert_string_equal(p[1].name, "b c");
	assert_string_equal(p[1].value, "x y+=");
	assert_string_equal(p[2].name, "d");
	assert_string_equal(p[2].value, "");
	assert_int_equal(query("a=1&a=2", p, copy), -1);
	assert_int_equal(query("=1", p, copy), -1);
	assert_int_equal(query("a=%zz", p, copy), -1);
	assert_int_equal(query("a=%00", p, copy), -1);
	assert_int_equal(query("a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", p, copy), -1);
}

TEST(every_kind_of_error_has_a_status_with_a_reason)
{
	for (int k = ERR_NONE; k <= ERR_CORRUPT; k++) {
		int status = http_status_of((enum err_kind)k);

		assert_true(status >= 400 && status < 600);
		assert_string_not_equal(http_reason(status), "Unknown");
	}
	assert_int_equal(http_status_of(ERR_INVALID), 400);
	assert_int_equal(http_status_of(ERR_LIMIT), 413);
	assert_int_equal(http_status_of(ERR_BUSY), 503);
	assert_true(http_retry_after(503) > 0);
	assert_int_equal(http_retry_after(400), 0);
}

TEST(an_error_is_json_whatever_its_text)
{
	AUTO(buf_done) struct buf b;

	buf_init(&b, 1000);
	assert_true(http_add_error(&b, NULL, "a \"b\"\\\n\xff", "f"));
	assert_string_equal(
		buf_text(&b),
		"{\"success\":false,\"error\":\"a \\\"b\\\"\\\\\\u000a\xef\xbf\xbd\",\"field\":\"f\"}");
	buf_clear(&b);
	assert_true(http_add_error(&b, "NotFound", "x", ""));
	assert_string_equal(buf_text(&b), "{\"success\":false,\"status\":\"NotFound\",\"error\":\"x\"}");
}

UNIT_MAIN(T(each_malformed_head_has_its_status), T(a_head_gives_its_parts),
	  T(a_length_beyond_every_number_is_the_largest), T(the_hundred_and_first_field_is_refused),
	  T(chunks_are_read_the_same_in_any_pieces), T(extensions_cannot_go_on_for_ever),
	  T(what_follows_the_last_chunk_is_not_taken), T(percent_decoding_is_strict),
	  T(a_query_gives_its_parameters), T(every_kind_of_error_has_a_status_with_a_reason),
	  T(an_error_is_json_whatever_its_text))
