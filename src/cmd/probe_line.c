/* SPDX-License-Identifier: MIT */
#include "cmd/probe_line.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = { "ok", "weak", "missing" };

const char *ability_name(enum ability a)
{
	return names[a];
}

static bool ability_from_name(const char *name, enum ability *ret_ability)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i], name)) {
			*ret_ability = (enum ability)i;
			return true;
		}
	}
	return false;
}

bool probe_line_parse(char *line, struct probe_line *ret_line)
{
	struct probe_line l = { .advice = "" };
	char *rest = line, *ability;

	l.name = strsep(&rest, "\t");
	ability = strsep(&rest, "\t");
	l.what = strsep(&rest, "\t");
	if (!ability || !l.what || !*l.name || !ability_from_name(ability, &l.ability))
		return false;
	if (rest)
		l.advice = rest;
	if (strchr(l.advice, '\t'))
		return false;
	*ret_line = l;
	return true;
}
