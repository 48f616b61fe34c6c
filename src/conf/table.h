/* SPDX-License-Identifier: MIT */
/* The one table of settings: the parser, the help and docs/settings.md are all made from it. */
#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

enum setting_kind {
	SETTING_INT,	/* int64_t; decimal, or hexadecimal after 0x */
	SETTING_SIZE,	/* int64_t, bytes; "64M" */
	SETTING_MILLIS, /* int64_t, thousandths; "2.5" */
	SETTING_CHOICE, /* one of `choices`; int64_t, int-sized enum or bool, by `size` */
	SETTING_TEXT,	/* char *, as are all that follow: conf_done frees them */
	SETTING_PATH,	/* char *; a relative one is completed with the working directory */
	SETTING_HOST,	/* char *; an IP address or "localhost" */
	SETTING_REDIS,	/* char *; a URL, or "" */
	SETTING_MONGO,	/* char *; a URL, or "" */
	SETTING_NAME,	/* char *; a plain name: letters, digits, '.', '_', '-' */
};

struct setting_choice {
	const char *name; /* NULL ends the list */
	int value;
};

struct setting {
	const char *name; /* the environment variable, without the prefix */
	enum setting_kind kind;
	size_t offset; /* in struct conf */
	size_t size;
	const char *value; /* what it is when nobody says otherwise, in the form of the environment */
	int64_t min, max;  /* of numbers; of texts the longest length */
	const struct setting_choice *choices;
	const char *shown_default; /* what the documents say instead of `value`, or NULL */
	const char *help;	   /* a part of a sentence, without a full stop */
};

/* A heading begins a group: a row with a name and no size. */
extern const struct setting settings[];
extern const size_t n_settings;

/* The four names that belong to everybody have no prefix. */
const char *setting_prefix(const struct setting *s);
/* "--limit-cpu-ms", in static or thread-local storage until the next call. */
const char *setting_flag(const struct setting *s);
const struct setting *setting_find(const char *name);
static inline bool setting_is_heading(const struct setting *s)
{
	return s->size == 0;
}

/* What values look like, for the documents: "1 to 65535", "text or json". */
struct buf;
bool setting_add_range(struct buf *out, const struct setting *s);

/* Parses and stores. `called` is what the user wrote ("--port" or "PORT") for the sentence. */
int setting_set(struct conf *c, const struct setting *s, const char *called, const char *text, struct err *e);

int64_t setting_number(const struct conf *c, const struct setting *s);

#endif
