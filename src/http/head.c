/* SPDX-License-Identifier: MIT */
#include "http/head.h"

#include <string.h>
#include <strings.h>

enum scan_state {
	SCAN_START, /* nothing yet, or empty lines, which RFC 9112 §2.2 asks to skip */
	SCAN_START_CR,
	SCAN_LINE,
	SCAN_LINE_CR,
	SCAN_LINE_BEGIN,
	SCAN_LINE_BEGIN_CR,
};

static int scan_bad(struct http_scan *s, const char *why)
{
	s->why = why;
	return -1;
}

/* The state after one byte that is neither CR nor LF. */
static int scan_byte(struct http_scan *s, unsigned char c)
{
	if (s->state == SCAN_START_CR || s->state == SCAN_LINE_CR || s->state == SCAN_LINE_BEGIN_CR)
		return scan_bad(s, "A CR that no LF follows is not allowed in a request head.");
	if (c == '\0')
		return scan_bad(s, "A NUL byte is not allowed in a request head.");
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return scan_bad(s, "A control character is not allowed in a request head. (Is this TLS? "
				   "This port speaks plain HTTP.)");
	return SCAN_LINE;
}

static int scan_cr(struct http_scan *s)
{
	switch ((enum scan_state)s->state) {
	case SCAN_START:
		return SCAN_START_CR;
	case SCAN_LINE:
		return SCAN_LINE_CR;
	case SCAN_LINE_BEGIN:
		return SCAN_LINE_BEGIN_CR;
	case SCAN_START_CR:
	case SCAN_LINE_CR:
	case SCAN_LINE_BEGIN_CR:
		break;
	}
	return scan_bad(s, "A CR that no LF follows is not allowed in a request head.");
}

enum http_scan_status http_scan_feed(struct http_scan *s, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int next;

		s->used++;
		if (data[i] == '\n') {
			if (s->state == SCAN_LINE_BEGIN_CR)
				return HTTP_SCAN_END;
			if (s->state == SCAN_START_CR)
				next = SCAN_START;
			else if (s->state == SCAN_LINE_CR)
				next = SCAN_LINE_BEGIN;
			else
				next = scan_bad(s, "Lines of a request head end with CR LF, not with LF.");
		} else {
			next = data[i] == '\r' ? scan_cr(s) : scan_byte(s, (unsigned char)data[i]);
		}
		if (next < 0)
			return HTTP_SCAN_BAD;
		s->state = next;
	}
	return HTTP_SCAN_MORE;
}

static const char *const method_names[] = {
	[HTTP_GET] = "GET",	[HTTP_HEAD] = "HEAD",	  [HTTP_POST] = "POST",	      [HTTP_PUT] = "PUT",
	[HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS", [HTTP_UNKNOWN] = "",
};

const char *http_method_name(enum http_method m)
{
	return method_names[m];
}

bool http_text_is(struct http_text t, const char *text)
{
	return t.len == strlen(text) && strncasecmp(t.data, text, t.len) == 0;
}

static bool refuse(struct http_refusal *r, int status, const char *why)
{
	*r = (struct http_refusal){ status, why };
	return false;
}

static bool is_token_char(char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct http_text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (!is_token_char(t.data[i]))
			return false;
	return t.len > 0;
}

static struct http_text trim(struct http_text t)
{
	while (t.len > 0 && (t.data[0] == ' ' || t.data[0] == '\t')) {
		t.data++;
		t.len--;
	}
	while (t.len > 0 && (t.data[t.len - 1] == ' ' || t.data[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* Takes what is before `c` off the front, and `c` itself. Without a `c`: false, nothing taken. */
static bool take_until(struct http_text *rest, char c, struct http_text *ret)
{
	const char *end = rest->len > 0 ? memchr(rest->data, c, rest->len) : NULL;
	size_t len;

	if (!end)
		return false;
	len = (size_t)(end - rest->data);
	*ret = (struct http_text){ rest->data, len };
	rest->data += len + 1;
	rest->len -= len + 1;
	return true;
}

/* One line without its CR LF. */
static bool take_line(struct http_text *rest, struct http_text *ret)
{
	if (!take_until(rest, '\n', ret))
		return false;
	if (ret->len > 0 && ret->data[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

static enum http_method find_method(struct http_text name)
{
	/* Methods are case-sensitive: "get" is an unknown one. */
	for (int m = 0; m < HTTP_UNKNOWN; m++)
		if (name.len == strlen(method_names[m]) && memcmp(name.data, method_names[m], name.len) == 0)
			return (enum http_method)m;
	return HTTP_UNKNOWN;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool parse_version(struct http_head *h, struct http_text v, struct http_refusal *r)
{
	if (v.len != 8 || memcmp(v.data, "HTTP/", 5) != 0 || !is_digit(v.data[5]) || v.data[6] != '.' ||
	    !is_digit(v.data[7]))
		return refuse(r, 400,
			      "The request line must be: method, one space, path, one space, HTTP/1.1.");
	if (v.data[5] != '1' || v.data[7] > '1')
		return refuse(r, 505, "This server speaks HTTP/1.1 and HTTP/1.0 only.");
	h->minor = v.data[7] - '0';
	return true;
}

/* Origin form, or absolute form, of which scheme and authority are dropped (RFC 9112 §3.2.2). */
static bool is_target_text(struct http_text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (t.data[i] <= ' ' || t.data[i] == '#' || (unsigned char)t.data[i] >= 0x7f)
			return false;
	return true;
}

static bool parse_target(struct http_head *h, struct http_text t, struct http_refusal *r)
{
	struct http_text scheme;

	if (!is_target_text(t))
		return refuse(r, 400, "The request target has a character that must be percent-encoded.");
	if (t.len > 0 && t.data[0] != '/' && take_until(&t, ':', &scheme)) {
		if (!http_text_is(scheme, "http") || t.len < 3 || memcmp(t.data, "//", 2) != 0)
			return refuse(r, 400, "The request target must be a path that begins with '/'.");
		t.data += 2;
		t.len -= 2;
		while (t.len > 0 && t.data[0] != '/') {
			t.data++;
			t.len--;
		}
	}
	if (t.len == 0 || t.data[0] != '/')
		return refuse(r, 400, "The request target must be a path that begins with '/'.");
	h->path = t;
	h->query = (struct http_text){ t.data + t.len, 0 };
	if (take_until(&t, '?', &h->path))
		h->query = t;
	return true;
}

static bool parse_request_line(struct http_head *h, struct http_text line, struct http_refusal *r)
{
	struct http_text method, target;

	if (!take_until(&line, ' ', &method) || !take_until(&line, ' ', &target) || !is_token(method))
		return refuse(r, 400,
			      "The request line must be: method, one space, path, one space, HTTP/1.1.");
	if (!parse_version(h, line, r))
		return false;
	h->method = find_method(method);
	if (h->method == HTTP_UNKNOWN)
		return refuse(r, 501, "This method is not known here; use GET, HEAD, POST or DELETE.");
	return parse_target(h, target, r);
}

static bool parse_length(struct http_head *h, struct http_text v, struct http_refusal *r)
{
	int64_t n = 0;

	if (h->content_length >= 0)
		return refuse(r, 400, "There is more than one Content-Length; send one.");
	if (v.len == 0)
		return refuse(r, 400, "Content-Length must be a number of bytes.");
	for (size_t i = 0; i < v.len; i++) {
		if (!is_digit(v.data[i]))
			return refuse(r, 400, "Content-Length must be a number of bytes.");
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, v.data[i] - '0', &n))
			n = INT64_MAX; /* stays there: the next digit overflows again */
	}
	h->content_length = n;
	return true;
}

static bool parse_coding(struct http_head *h, struct http_text v, struct http_refusal *r)
{
	if (h->chunked)
		return refuse(r, 400, "There is more than one Transfer-Encoding; send one.");
	if (!http_text_is(v, "chunked"))
		return refuse(r, 501, "Transfer-Encoding can only be \"chunked\" here.");
	h->chunked = true;
	return true;
}

/* A look at the characters only: it must not be able to hide a second one (a list, a path, user@). */
static bool is_host(struct http_text v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] <= ' ' || (unsigned char)v.data[i] >= 0x7f || strchr("/\\@,?#\"<>", v.data[i]))
			return false;
	return true;
}

static void parse_connection(struct http_head *h, struct http_text v)
{
	struct http_text part;

	while (v.len > 0) {
		if (!take_until(&v, ',', &part)) {
			part = v;
			v.len = 0;
		}
		if (http_text_is(trim(part), "close"))
			h->keep_alive = false;
	}
}

static bool parse_field(struct http_head *h, struct http_text name, struct http_text value, int *n_hosts,
			struct http_refusal *r)
{
	if (http_text_is(name, "Content-Length"))
		return parse_length(h, value, r);
	if (http_text_is(name, "Transfer-Encoding"))
		return parse_coding(h, value, r);
	if (http_text_is(name, "Connection"))
		parse_connection(h, value);
	if (http_text_is(name, "Host")) {
		if (++*n_hosts > 1)
			return refuse(r, 400, "There is more than one Host field; send one.");
		if (!is_host(value))
			return refuse(r, 400, "The Host field must be a host name, with a port if need be.");
	}
	if (http_text_is(name, "Expect") && h->minor >= 1) {
		if (!http_text_is(value, "100-continue"))
			return refuse(r, 417, "The only expectation that can be met is \"100-continue\".");
		h->expect_continue = true;
	}
	return true;
}

static bool split_field(struct http_text line, struct http_text *ret_name, struct http_text *ret_value,
			struct http_refusal *r)
{
	if (line.data[0] == ' ' || line.data[0] == '\t')
		return refuse(r, 400, "A header field must not be folded over several lines.");
	if (!take_until(&line, ':', ret_name))
		return refuse(r, 400, "A header field must be: name, colon, value.");
	if (ret_name->len > 0 && strchr(" \t", ret_name->data[ret_name->len - 1]))
		return refuse(r, 400, "No space is allowed between a header field's name and its colon.");
	if (!is_token(*ret_name))
		return refuse(r, 400,
			      "A header field's name must consist of letters, digits and -_.!#$%&'*+^`|~.");
	*ret_value = trim(line);
	return true;
}

static bool check_framing(const struct http_head *h, int n_hosts, struct http_refusal *r)
{
	if (h->minor >= 1 && n_hosts == 0)
		return refuse(r, 400, "HTTP/1.1 requires a Host field.");
	if (h->chunked && h->content_length >= 0)
		return refuse(r, 400, "Send either Content-Length or Transfer-Encoding, not both.");
	if (h->chunked && h->minor == 0)
		return refuse(r, 400, "HTTP/1.0 has no Transfer-Encoding; send Content-Length.");
	return true;
}

bool http_head_parse(const char *data, size_t len, struct http_head *ret_head, struct http_refusal *r)
{
	struct http_head h = { .content_length = -1, .keep_alive = true };
	struct http_text rest = { data, len }, line = { data, 0 }, name, value;
	int n_hosts = 0;

	while (line.len == 0)
		if (!take_line(&rest, &line))
			return refuse(r, 400, "The request line is missing.");
	if (!parse_request_line(&h, line, r))
		return false;
	if (h.minor == 0)
		h.keep_alive = false;
	h.fields = rest;
	for (int n = 0; take_line(&rest, &line) && line.len > 0; n++) {
		if (n == HTTP_HEADERS_MAX)
			return refuse(r, 431, "There are more than 100 header fields.");
		if (!split_field(line, &name, &value, r) || !parse_field(&h, name, value, &n_hosts, r))
			return false;
	}
	if (!check_framing(&h, n_hosts, r))
		return false;
	*ret_head = h;
	return true;
}

bool http_head_field(const struct http_head *h, const char *name, struct http_text *ret_value)
{
	struct http_text rest = h->fields, line, found;

	while (take_line(&rest, &line) && line.len > 0) {
		if (!take_until(&line, ':', &found) || !http_text_is(found, name))
			continue;
		*ret_value = trim(line);
		return true;
	}
	return false;
}
