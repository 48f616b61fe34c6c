/* SPDX-License-Identifier: MIT */
#include "queue/redis_url.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FORM "redis://[[user]:password@]host[:port][/database]"

static int bad(struct err *e, const char *what)
{
	return err_field(e, ERR_INVALID, "REDIS_URL", "REDIS_URL %s; its form is " FORM, what);
}

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0'
	       : c >= 'a' && c <= 'f'	 ? c - 'a' + 10
	       : c >= 'A' && c <= 'F'	 ? c - 'A' + 10
					 : -1;
}

/* Percent-decodes; false when it does not fit, is malformed or hides a NUL. */
static bool decode(const char *text, size_t len, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			int high = i + 2 < len ? hex(text[i + 1]) : -1;
			int low = high < 0 ? -1 : hex(text[i + 2]);

			if (low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0' || n + 1 >= size)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

static int parse_number(const char *text, size_t len, int max)
{
	int value = 0;

	if (len == 0 || len > 5)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value <= max ? value : -1;
}

static int parse_account(const char *text, size_t len, struct redis_url *u, struct err *e)
{
	const char *colon = memchr(text, ':', len);
	size_t user = colon ? (size_t)(colon - text) : len;

	if (!decode(text, user, u->user, sizeof(u->user)) ||
	    (colon && !decode(colon + 1, len - user - 1, u->password, sizeof(u->password))))
		return bad(e, "has a user or password that cannot be read (write special characters as %xx)");
	if (u->user[0] && !u->password[0])
		return bad(e, "has a user but no password");
	return 0;
}

static int parse_port(const char *text, size_t len, struct redis_url *u, struct err *e)
{
	if (len == 0)
		return 0;
	u->port = *text == ':' ? parse_number(text + 1, len - 1, 65535) : -1;
	return u->port > 0 ? 0 : bad(e, "has a port that is no number from 1 to 65535");
}

static int parse_host(const char *text, size_t len, struct redis_url *u, struct err *e)
{
	size_t bracket = len > 0 && text[0] == '[';
	const char *end = memchr(text, bracket ? ']' : ':', len);
	size_t n = end ? (size_t)(end - text) : len, used;

	if (memchr(text, ',', len))
		return bad(e, "names several hosts: Redis Cluster and Sentinel are not supported");
	if ((bracket && !end) || !decode(text + bracket, n - bracket, u->host, sizeof(u->host)))
		return bad(e, "has a host that cannot be read");
	if (!u->host[0])
		return bad(e, "names no host");
	used = end ? n + bracket : len;
	return parse_port(text + used, len - used, u, e);
}

int redis_url_parse(const char *text, struct redis_url *ret, struct err *e)
{
	struct redis_url u = { .port = 6379 };
	const char *at = text + 8, *slash, *account;
	size_t len;

	if (strncmp(text, "rediss://", 9) == 0)
		return bad(e,
			   "asks for TLS (rediss://), which this build cannot do: use redis:// to a tunnel");
	if (strncmp(text, "redis://", 8) != 0)
		return bad(e, "does not begin with redis://");
	if (strpbrk(at, "?#"))
		return bad(e, "has options, and none is known");
	account = strrchr(at, '@');
	if (account && parse_account(at, (size_t)(account - at), &u, e) < 0)
		return -1;
	at = account ? account + 1 : at;
	slash = strchr(at, '/');
	len = slash ? (size_t)(slash - at) : strlen(at);
	if (parse_host(at, len, &u, e) < 0)
		return -1;
	if (slash && slash[1]) {
		u.database = parse_number(slash + 1, strlen(slash + 1), 65535);
		if (u.database < 0)
			return bad(e, "has a database that is no number");
	}
	*ret = u;
	return 0;
}
