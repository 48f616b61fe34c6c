/* SPDX-License-Identifier: MIT */
/*
 * The stored form of submissions and results: a version byte, then length-prefixed little-endian fields.
 * Readers accept every version ever released. Decoding trusts nothing: a damaged row is ERR_CORRUPT, never a
 * crash.
 */
#ifndef JOB_CODEC_H
#define JOB_CODEC_H

#include "base/buf.h"
#include "base/err.h"
#include "job/job.h"

bool submission_encode(struct buf *out, const struct submission *s);
struct submission *submission_decode(const void *data, size_t len, struct err *e);

bool result_encode(struct buf *out, const struct result *r);
struct result *result_decode(const void *data, size_t len, struct err *e);

#endif
