/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "http/private.h"

static bool matches(const char *pattern, const char *path, const char **ret_tail)
{
	const char *brace = strchr(pattern, '{');
	size_t len = brace ? (size_t)(brace - pattern) : strlen(pattern);

	if (strncmp(pattern, path, len) != 0)
		return false;
	*ret_tail = path + len;
	return brace ? path[len] != '\0' && !strchr(path + len, '/') : path[len] == '\0';
}

const struct http_route *route_find(const struct http_route *routes, enum http_method m, const char *path,
				    const char **ret_tail, char *ret_allow, size_t allow_size)
{
	size_t len = 0;

	ret_allow[0] = '\0';
	for (const struct http_route *r = routes; r->path; r++) {
		if (!matches(r->path, path, ret_tail))
			continue;
		if (r->method == m || (r->method == HTTP_GET && m == HTTP_HEAD))
			return r;
		if (len < allow_size)
			len += (size_t)snprintf(ret_allow + len, allow_size - len, "%s%s%s", len ? ", " : "",
						http_method_name(r->method),
						r->method == HTTP_GET ? ", HEAD" : "");
	}
	return NULL;
}
