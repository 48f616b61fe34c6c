/* SPDX-License-Identifier: MIT */
/*
 * Job ids: the letter 'j' and 26 lower-case characters of Crockford's base32, 128 bits: 48 bits of
 * milliseconds, a 6-bit count within the millisecond, 74 random bits. Strictly ascending within one process,
 * so that keys reach the store in order; never an integer and without ':' (BullMQ forbids both); never
 * reused; not guessable.
 *
 * The layout follows ULID (github.com/ulid/spec) with a fixed first letter in front.
 *
 * A job of somebody known by name carries a mark of that name behind it, eight characters more. So whoever
 * holds an id knows whose job it is, wherever it waits, runs or is kept, and nothing has to be asked or
 * migrated.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#define JOB_ID_LEN 27 /* without a mark */
/* Room for any id: those that other producers put into a shared queue are longer than ours. */
#define JOB_ID_SIZE   128

#define ID_OWNER_LEN  8
#define ID_OWNER_SIZE (ID_OWNER_LEN + 1)

/* A new id; `wall_ms` is now. Thread-safe. Aborts when the kernel gives no random bytes: an id that can be
 * guessed is worse than no server. */
void id_new(int64_t wall_ms, char out[JOB_ID_SIZE]);
/* The same, with the mark of its owner; "" for none. */
void id_new_owned(int64_t wall_ms, const char *owner, char out[JOB_ID_SIZE]);

/* The mark of a name: 40 bits of its SHA-256. Whoever gives names sees to it that no two marks are the same.
 */
void id_owner_of_name(const char *name, char out[ID_OWNER_SIZE]);
/* The mark that an id carries, in it; "" when it has none or is not one of ours. */
const char *id_owner(const char *id);

/* Whether the text could be one of ours: lets a caller answer 404 without asking a store. */
bool id_is_valid(const char *text);

/* Whether the text could be an id that another producer gave a job: 1 to 127 printable ASCII characters
 * without space and '"'. */
bool id_is_foreign(const char *text);

#endif
