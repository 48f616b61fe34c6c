/* SPDX-License-Identifier: MIT */
/* The body of POST /api/v1/submit: strict JSON in, a validated submission out. */
#ifndef JOB_SUBMISSION_H
#define JOB_SUBMISSION_H

#include "base/err.h"
#include "job/job.h"
#include "lang/lang.h"

/* What this server accepts. All sizes in bytes. */
struct submission_policy {
	const struct lang_table *langs;
	size_t source_max; /* code and files together */
	size_t stdin_max;
	size_t files_max; /* count */
	size_t args_max;  /* count of args, of env and of compilerFlags; together at most 128 KiB */
	struct limits defaults, maxima;
	struct limits compile_defaults, compile_maxima;
};

/*
 * Parses and validates. On success a submission with one reference, without id and created_ms (the caller
 * sets them). On failure NULL with a sentence: ERR_INVALID (and e->field) or ERR_LIMIT (413; the field names
 * the part). Strict: duplicate keys, bad UTF-8, trailing bytes, nesting over 16 and unknown fields are
 * refused.
 */
struct submission *submission_parse(const char *body, size_t len, const struct submission_policy *policy,
				    struct err *e);

/* What a submission gets that asks for no limit: the language's own over the server's defaults, never over
 * the maxima. */
void submission_default_limits(const struct lang_limits *own, const struct limits *defaults,
			       const struct limits *maxima, struct limits *ret);

/* Whether `name` may be a file's: relative, 1 to 255 bytes, at most 16 parts, no "", "." or "..", no NUL, no
 * control characters. Returns 0, or -1 with the sentence. */
int submission_check_file_name(const char *name, size_t len, struct err *e);

#endif
