/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer that cannot grow without bound: its maximum is given at the start, and going over it
 * is an answer (false), never an allocation. Invariants: `len <= cap`, `len <= max`; `data` is NULL only
 * while nothing was ever added; a NUL always follows the bytes, so text needs no copy. Not thread-safe.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
};

/* Storage is the caller's; nothing is allocated yet. `max` in bytes. */
void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);

/* Each adds all or nothing. False when the maximum would be passed or memory is short. */
bool buf_add(struct buf *b, const void *data, size_t len);
bool buf_add_str(struct buf *b, const char *text);
bool buf_add_char(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Room for `len` more bytes, to be written at the returned place and counted by buf_commit. NULL as above. */
void *buf_reserve(struct buf *b, size_t len);
void buf_commit(struct buf *b, size_t len);

/* Forgets the first `len` bytes; the rest moves to the front. */
void buf_consume(struct buf *b, size_t len);
void buf_clear(struct buf *b);

/* Hands the bytes (NUL behind them) to the caller, who frees them; the buffer is empty again. NULL only when
 * memory is short. */
char *buf_detach(struct buf *b, size_t *ret_len);

/* The bytes as text, "" while empty. Valid until the next change. */
const char *buf_text(const struct buf *b);

#endif
