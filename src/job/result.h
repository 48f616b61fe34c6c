/* SPDX-License-Identifier: MIT */
/* The JSON of GET /api/v1/result and /api/v1/jobs/{id} for a finished job. */
#ifndef JOB_RESULT_H
#define JOB_RESULT_H

#include "base/buf.h"
#include "job/job.h"

/* How stdout, stderr and response are written: as text (bytes that are no UTF-8 replaced and flagged by
 * "encodingReplaced":true beside them), or exactly, in base64 (and "encoding":"base64"). */
enum output_encoding { OUTPUT_TEXT, OUTPUT_BASE64 };

/*
 * Adds the whole object, {"success":true,"status":"completed"|"failed","response":…,…}. With `with_state`,
 * also "state":"finished" (the jobs resource). False when `out` is full.
 */
bool result_add_json(struct buf *out, const struct result *r, enum output_encoding encoding, bool with_state);

/*
 * What goes to whoever listens on a queue: the same object as text, stdout and stderr cut at `inline_max`
 * bytes each ("inlineCut":true says so; the store has all), `response` left out when it is equal to stdout.
 * False when `out` is full.
 */
bool result_add_inline_json(struct buf *out, const struct result *r, size_t inline_max);

/*
 * The result of a job that a worker of another kind ended, from the JSON text it returned: a string is
 * stdout; an object with a known "verdict" is read field by field (stdout, stderr, exitCode, message or
 * response, cpuMs, wallMs, memoryBytes); anything else is stdout as it is. Language and times are the
 * caller's to set. NULL when memory is short.
 */
struct result *result_from_foreign(const char *id, const char *json, size_t len);

/* The sentence that tells how a job without output ended; "" when stdout or stderr say it. False when `out`
 * is full. */
void result_add_sentence(struct buf *out, const struct result *r);

#endif
