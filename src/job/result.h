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

#endif
