/* SPDX-License-Identifier: MIT */
/* Patterns of files to collect against names that a program chose: the matcher, whose time is bounded, agrees
 * with the plain recursive one, whose time is not. The input is a pattern, NUL, a path. */
#include <stdint.h>
#include <string.h>

#include "sandbox/inside.h"
#include "sandbox/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PLAIN_MAX 14 /* the recursive one's patience */

static bool plain(const char *pattern, const char *path)
{
	size_t stars = strspn(pattern, "*");

	if (stars > 0) {
		for (;; path++) {
			if (plain(pattern + stars, path))
				return true;
			if (!*path || (stars == 1 && *path == '/'))
				return false;
		}
	}
	if (!*pattern)
		return !*path;
	return *path && (*pattern == '?' ? *path != '/' : *path == *pattern) && plain(pattern + 1, path + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char pattern[8192] = "", path[8192] = "";
	const uint8_t *cut = memchr(data, '\0', size);
	size_t a = cut ? (size_t)(cut - data) : size, b = cut ? size - a - 1 : 0;
	bool matches;

	if (a >= sizeof(pattern) || b >= sizeof(path))
		return 0;
	memcpy(pattern, data, a);
	if (b > 0)
		memcpy(path, cut + 1, b);
	matches = collect_matches(pattern, path);
	if (strlen(pattern) <= PLAIN_MAX && strlen(path) <= PLAIN_MAX && matches != plain(pattern, path))
		__builtin_trap();
	return 0;
}
