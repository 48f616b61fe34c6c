/* SPDX-License-Identifier: MIT */
/*
 * The head of an HTTP/1.x request: request line and header fields (RFC 9112, read strictly).
 *
 * Pure functions over bytes: nothing is allocated, nothing copied; every text points into the caller's bytes
 * and lives as long as they do. Two readings of one request are how requests are smuggled, so whatever the
 * RFC lets a server repair is refused here, with a sentence that says what is wrong.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX	 32768
#define HTTP_HEADERS_MAX 100

struct http_text {
	const char *data;
	size_t len;
};

/* Why a request cannot be taken. The sentence is static. */
struct http_refusal {
	int status;
	const char *why;
};

/* Finds the end of a head in bytes that arrive in any pieces, each byte looked at once. Zeroed to start. */
struct http_scan {
	int state;
	size_t used; /* bytes of the head so far */
	const char *why;
};
enum http_scan_status {
	HTTP_SCAN_MORE,
	HTTP_SCAN_END, /* the empty line came; `used` is the length of the head with it */
	HTTP_SCAN_BAD, /* NUL, bare CR, bare LF or another control character: `why` is the sentence */
};
enum http_scan_status http_scan_feed(struct http_scan *s, const char *data, size_t len);

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_UNKNOWN, /* the request is answered with 501 */
};
const char *http_method_name(enum http_method m);

struct http_head {
	enum http_method method;
	int minor;		/* of the version: 0 or 1 */
	struct http_text path;	/* as sent, still percent-encoded; begins with '/' */
	struct http_text query; /* as sent, without '?' */
	struct http_text fields;
	bool keep_alive;
	bool chunked;
	bool expect_continue;
	int64_t content_length; /* -1: none; INT64_MAX: that or more */
};

/* Parses a head that http_scan_feed found, final empty line included. False with the refusal. */
bool http_head_parse(const char *data, size_t len, struct http_head *ret_head, struct http_refusal *r);

/* The value of a field, by name in any case, spaces around it removed; of several fields the first. False
 * when there is none. */
bool http_head_field(const struct http_head *h, const char *name, struct http_text *ret_value);

bool http_text_is(struct http_text t, const char *text); /* letters in any case */

#endif
