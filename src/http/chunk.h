/* SPDX-License-Identifier: MIT */
/*
 * The chunked transfer coding (RFC 9112 §7.1), read strictly and in any pieces. Nothing is allocated: the
 * payload is told as a part of the bytes that came in. Extensions and trailers are allowed and dropped, but
 * together they may not be longer than HTTP_CHUNK_EXTRA_MAX.
 */
#ifndef HTTP_CHUNK_H
#define HTTP_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/head.h"

#define HTTP_CHUNK_EXTRA_MAX 8192

/* Zeroed to start. */
struct http_chunk {
	int state;
	unsigned digits; /* of the size being read */
	size_t extra;	 /* bytes of extensions and trailers so far */
	uint64_t left;	 /* payload bytes of this chunk still to come */
};

enum http_chunk_status {
	HTTP_CHUNK_MORE, /* go on with what is behind *ret_used, or wait for more */
	HTTP_CHUNK_DONE, /* the body is complete; what follows is another request */
	HTTP_CHUNK_BAD,
};

/* Takes *ret_used bytes off the front of data; *ret_payload is the part of them that is payload, which may
 * be empty. At least one byte is taken when there is one, unless the status is HTTP_CHUNK_BAD. */
enum http_chunk_status http_chunk_feed(struct http_chunk *c, const char *data, size_t len, size_t *ret_used,
				       struct http_text *ret_payload);

#endif
