/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "sandbox/inside.h"
#include "sandbox/spec.h"

/* reached[j]: the pattern so far can match the first j bytes of the path. One pass per pattern element, so
 * the time is bounded by the product of the lengths, whatever the pattern. */
struct matcher {
	const char *path;
	size_t len;
	bool reached[SPEC_NAME_MAX + 1];
};

static void pass_star(struct matcher *m, bool over_slashes)
{
	for (size_t j = 1; j <= m->len; j++) {
		if (m->reached[j - 1] && (over_slashes || m->path[j - 1] != '/'))
			m->reached[j] = true;
	}
}

static void pass_byte(struct matcher *m, char c)
{
	for (size_t j = m->len; j > 0; j--) {
		char p = m->path[j - 1];

		m->reached[j] = m->reached[j - 1] && (c == '?' ? p != '/' : p == c);
	}
	m->reached[0] = false;
}

bool collect_matches(const char *pattern, const char *path)
{
	struct matcher m = { .path = path, .len = strlen(path) };

	if (m.len > SPEC_NAME_MAX || strlen(pattern) > SPEC_NAME_MAX)
		return false;
	m.reached[0] = true;
	while (*pattern) {
		size_t stars = strspn(pattern, "*");

		if (stars > 0) {
			pass_star(&m, stars > 1);
			pattern += stars;
		} else {
			pass_byte(&m, *pattern++);
		}
	}
	return m.reached[m.len];
}
