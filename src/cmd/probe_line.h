/* SPDX-License-Identifier: MIT */
/* One line of `codecrusher-spawner --probe`: name TAB ok|weak|missing TAB what TAB advice. */
#ifndef CMD_PROBE_LINE_H
#define CMD_PROBE_LINE_H

#include <stdbool.h>

enum ability { ABILITY_OK, ABILITY_WEAK, ABILITY_MISSING };

/* "ok", "weak", "missing". */
const char *ability_name(enum ability a);

struct probe_line {
	const char *name;
	enum ability ability;
	const char *what;
	const char *advice; /* "" when there is nothing to do */
};

/* Splits `line` (without its newline) in place; the fields point into it. False when it is not such a line:
 * then the text is unchanged only up to its first TAB. */
bool probe_line_parse(char *line, struct probe_line *ret_line);

#endif
