/* SPDX-License-Identifier: MIT */
/*
 * Job ids: the letter 'j' and 26 lower-case characters of Crockford's base32, 128 bits: 48 bits of
 * milliseconds, a 6-bit count within the millisecond, 74 random bits. Strictly ascending within one process,
 * so that keys reach the store in order; never an integer and without ':' (BullMQ forbids both); never
 * reused; not guessable.
 *
 * The layout follows ULID (github.com/ulid/spec) with a fixed first letter in front.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#define JOB_ID_LEN 27
/* Room for any id: those that other producers put into a shared queue are longer than ours. */
#define JOB_ID_SIZE 128

/* A new id; `wall_ms` is now. Thread-safe. Aborts when the kernel gives no random bytes: an id that can be
 * guessed is worse than no server. */
void id_new(int64_t wall_ms, char out[JOB_ID_SIZE]);

/* Whether the text could be one of ours: lets a caller answer 404 without asking a store. */
bool id_is_valid(const char *text);

/* Whether the text could be an id that another producer gave a job: 1 to 127 printable ASCII characters
 * without space and '"'. */
bool id_is_foreign(const char *text);

#endif
