/* SPDX-License-Identifier: MIT */
/* One of a program's output streams: the reading end of its pipe, and what may still come out of it. */
#ifndef EXECUTOR_STREAM_H
#define EXECUTOR_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream {
	int fd;		/* non-blocking; -1: not open */
	int64_t left;	/* bytes until the cap */
	bool truncated; /* there was at least one byte more than the cap */
};

void stream_init(struct stream *s, int64_t cap);
/* Takes over the descriptor, also on failure. False with errno. */
bool stream_open(struct stream *s, int fd);
void stream_done(struct stream *s);

enum stream_read {
	STREAM_READ,  /* *ret_len bytes are in the chunk; there may be more */
	STREAM_EMPTY, /* nothing for now */
	STREAM_ENDED, /* end of file: every writer is gone */
	STREAM_FULL,  /* the cap is passed; *ret_len bytes are the last ones before it, maybe 0 */
};

/* Reads once, at most `size` bytes (at least 1). The byte that shows the cap is passed is read and dropped:
 * exactly as many bytes as the cap allows are no overrun. */
enum stream_read stream_read(struct stream *s, char *chunk, size_t size, size_t *ret_len);

#endif
