/* SPDX-License-Identifier: MIT */
/* The placeholders of argv templates: checked when a language file is read, filled by lang_expand. */
#ifndef LANG_TEMPLATE_H
#define LANG_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "lang/lang.h"

#define TEMPLATE_SOURCE	     (1U << 0)
#define TEMPLATE_ARTIFACT    (1U << 1)
#define TEMPLATE_MEMORY	     (1U << 2)
#define TEMPLATE_SOURCES     (1U << 3)
#define TEMPLATE_FLAGS	     (1U << 4)
#define TEMPLATE_ARGS	     (1U << 5)
#define TEMPLATE_HEADER	     (1U << 6)
#define TEMPLATE_DIRECTORY   (1U << 7)
#define TEMPLATE_PRECOMPILED (1U << 8)
#define TEMPLATE_COMPILE                                                                             \
	(TEMPLATE_SOURCE | TEMPLATE_ARTIFACT | TEMPLATE_MEMORY | TEMPLATE_SOURCES | TEMPLATE_FLAGS | \
	 TEMPLATE_PRECOMPILED)
#define TEMPLATE_RUN (TEMPLATE_SOURCE | TEMPLATE_MEMORY | TEMPLATE_SOURCES | TEMPLATE_ARGS)

/* Whether every "{word}" of the template is a placeholder that this step may use, in a place where it can
 * stand. On false `problem` holds the sentence's end. */
bool lang_template_check(const struct lang_argv *template, unsigned allowed, char *problem, size_t size);

/* The same for one text that is no command. */
bool lang_line_check(const char *line, unsigned allowed, char *problem, size_t size);

/* Whether an element holds the text. */
bool lang_template_uses(const struct lang_argv *template, const char *placeholder);

/* Adds a copy; false when memory is short. */
bool lang_argv_add(struct lang_argv *a, const char *text);

#endif
