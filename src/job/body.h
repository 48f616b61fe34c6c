/* SPDX-License-Identifier: MIT */
/* A JSON body from outside, loaded strictly and within bounds before anything of it costs memory. */
#ifndef JOB_BODY_H
#define JOB_BODY_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

#define BODY_DEPTH_MAX 16

/*
 * Loads one JSON text. Refused with a sentence: nesting over BODY_DEPTH_MAX, more than `values_max` values
 * (ERR_LIMIT: jansson spends some 100 bytes on each, so a small body could cost a lot of memory), duplicate
 * keys, bad UTF-8, bytes after the end. NUL is allowed in strings as "\u0000"; whoever reads a string
 * decides. The caller releases the value.
 */
json_t *body_load(const char *body, size_t len, size_t values_max, struct err *e);

/* A short, printable form of what a client sent, for a sentence: at most 40 bytes, never cut inside a
 * character. */
#define BODY_QUOTE_SIZE 44
void body_quote(char out[BODY_QUOTE_SIZE], const char *text, size_t len);

#endif
