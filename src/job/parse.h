/* SPDX-License-Identifier: MIT */
/* What the two files that read a submission share: submission.c and submission_files.c. */
#ifndef JOB_PARSE_H
#define JOB_PARSE_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "job/body.h"
#include "job/submission.h"
#include "lang/lang.h"

/* A part of a request whose size has a bound of its own. */
struct parse_part {
	const char *name; /* as the error names it */
	size_t max;
	size_t left;
};

/* What is being filled, and how much of each budget is left. */
struct parse {
	json_t *root;
	const struct submission_policy *policy;
	const struct lang *lang;
	struct submission *s;
	struct err *e;
	struct parse_part source; /* code and files together */
	struct parse_part input;
	size_t strings_left;
	bool has_code;
};

static inline int parse_no_memory(struct err *e)
{
	return err_set(e, ERR_BUSY, 0, "the server is short of memory; try again later");
}

/* Refuses a key of the object that is not in the list; `where` stands before it in the sentence. */
int parse_check_fields(const struct parse *p, const char *where, json_t *object, const char *const *fields,
		       size_t n_fields);

/* A string without NUL; borrowed. *ret is NULL for a missing value. */
int parse_plain_string(const struct parse *p, json_t *value, const char *field, const char **ret);

/* Fills files and input of the submission. p->lang is set. */
int parse_source(struct parse *p);
int parse_stdin(struct parse *p);

#endif
