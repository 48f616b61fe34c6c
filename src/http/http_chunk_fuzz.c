/* SPDX-License-Identifier: MIT */
/* The chunk decoder, fed at once and byte by byte, must find the same payload and the same end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "http/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum http_chunk_status run(const char *data, size_t size, size_t step, struct buf *out, size_t *ret_at)
{
	struct http_chunk c = { 0 };
	enum http_chunk_status status = HTTP_CHUNK_MORE;
	size_t at = 0;

	while (status == HTTP_CHUNK_MORE && at < size) {
		size_t len = size - at < step ? size - at : step, used;
		struct http_text payload;

		status = http_chunk_feed(&c, data + at, len, &used, &payload);
		if (used > len || (used == 0 && status == HTTP_CHUNK_MORE) || payload.data < data + at ||
		    payload.data + payload.len > data + at + used)
			abort();
		if (!buf_add(out, payload.data, payload.len))
			abort();
		at += used;
	}
	*ret_at = at;
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_done) struct buf whole, single;
	AUTO_FREE char *copy = malloc(size + 1);
	size_t end_whole, end_single;

	memcpy(copy, data, size);
	buf_init(&whole, size);
	buf_init(&single, size);
	if (run(copy, size, SIZE_MAX, &whole, &end_whole) != run(copy, size, 1, &single, &end_single))
		abort();
	if (end_whole != end_single || whole.len != single.len ||
	    memcmp(buf_text(&whole), buf_text(&single), whole.len) != 0)
		abort();
	return 0;
}
