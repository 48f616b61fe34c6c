/* SPDX-License-Identifier: MIT */
#include "http/chunk.h"

#include "http/uri.h"

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_EXTENSION, /* to the end of the size line */
	CHUNK_SIZE_LF,
	CHUNK_PAYLOAD,
	CHUNK_PAYLOAD_CR,
	CHUNK_PAYLOAD_LF,
	CHUNK_TRAILER_BEGIN, /* at the start of a trailer line, or of the last, empty one */
	CHUNK_TRAILER,
	CHUNK_TRAILER_LF,
	CHUNK_LAST_LF,
	CHUNK_DONE,
	CHUNK_BAD,
};

static int size_byte(struct http_chunk *c, char byte)
{
	int digit = http_hex_digit(byte);

	if (digit >= 0) {
		/* 15 digits cannot overflow, and no body is that large. */
		if (++c->digits > 15)
			return CHUNK_BAD;
		c->left = c->left * 16 + (uint64_t)digit;
		return CHUNK_SIZE;
	}
	if (c->digits == 0)
		return CHUNK_BAD;
	if (byte == '\r')
		return CHUNK_SIZE_LF;
	return byte == ';' ? CHUNK_EXTENSION : CHUNK_BAD;
}

/* A byte of an extension or trailer line in state `here`; CR leads to `next`. */
static int extra_byte(struct http_chunk *c, char byte, int here, int next)
{
	if (byte == '\r')
		return next;
	if (++c->extra > HTTP_CHUNK_EXTRA_MAX)
		return CHUNK_BAD;
	return ((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f ? CHUNK_BAD : here;
}

static int after_size(struct http_chunk *c)
{
	c->digits = 0;
	return c->left > 0 ? CHUNK_PAYLOAD : CHUNK_TRAILER_BEGIN;
}

static int framing_byte(struct http_chunk *c, char byte)
{
	switch ((enum chunk_state)c->state) {
	case CHUNK_SIZE:
		return size_byte(c, byte);
	case CHUNK_EXTENSION:
		return extra_byte(c, byte, CHUNK_EXTENSION, CHUNK_SIZE_LF);
	case CHUNK_SIZE_LF:
		return byte == '\n' ? after_size(c) : CHUNK_BAD;
	case CHUNK_PAYLOAD_CR:
		return byte == '\r' ? CHUNK_PAYLOAD_LF : CHUNK_BAD;
	case CHUNK_PAYLOAD_LF:
		return byte == '\n' ? CHUNK_SIZE : CHUNK_BAD;
	case CHUNK_TRAILER_BEGIN:
		return extra_byte(c, byte, CHUNK_TRAILER, CHUNK_LAST_LF);
	case CHUNK_TRAILER:
		return extra_byte(c, byte, CHUNK_TRAILER, CHUNK_TRAILER_LF);
	case CHUNK_TRAILER_LF:
		return byte == '\n' ? CHUNK_TRAILER_BEGIN : CHUNK_BAD;
	case CHUNK_LAST_LF:
		return byte == '\n' ? CHUNK_DONE : CHUNK_BAD;
	case CHUNK_PAYLOAD:
	case CHUNK_DONE:
	case CHUNK_BAD:
		break;
	}
	return CHUNK_BAD;
}

enum http_chunk_status http_chunk_feed(struct http_chunk *c, const char *data, size_t len, size_t *ret_used,
				       struct http_text *ret_payload)
{
	size_t i = 0;

	*ret_payload = (struct http_text){ data, 0 };
	while (i < len && c->state < CHUNK_DONE) {
		if (c->state == CHUNK_PAYLOAD) {
			size_t n = len - i < c->left ? len - i : (size_t)c->left;

			*ret_payload = (struct http_text){ data + i, n };
			c->left -= n;
			if (c->left == 0)
				c->state = CHUNK_PAYLOAD_CR;
			i += n;
			break;
		}
		c->state = framing_byte(c, data[i++]);
	}
	*ret_used = i;
	if (c->state == CHUNK_DONE)
		return HTTP_CHUNK_DONE;
	return c->state == CHUNK_BAD ? HTTP_CHUNK_BAD : HTTP_CHUNK_MORE;
}
