/* SPDX-License-Identifier: MIT */
/* A submission as JSON again, with the fields of POST /api/v1/submit: what a job carries in a queue that
 * others read. */
#ifndef JOB_SUBMISSION_WRITE_H
#define JOB_SUBMISSION_WRITE_H

#include "base/buf.h"
#include "job/job.h"
#include "lang/lang.h"

/*
 * Adds the object; submission_parse makes an equal submission of it. The main file becomes `code` when it has
 * the name its language gives it, so that a worker of another kind finds it there. False when `out` is full.
 */
bool submission_add_json(struct buf *out, const struct submission *s, const struct lang_table *langs);

#endif
