/* SPDX-License-Identifier: MIT */
#include "base/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool base64_add_encoded(struct buf *out, const void *data, size_t len)
{
	const unsigned char *in = data;
	size_t size = (len + 2) / 3 * 4;
	char *to = buf_reserve(out, size);

	if (!to)
		return false;
	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)in[i] << 16;

		if (i + 1 < len)
			v |= (uint32_t)in[i + 1] << 8;
		if (i + 2 < len)
			v |= in[i + 2];
		*to++ = alphabet[v >> 18];
		*to++ = alphabet[v >> 12 & 63];
		*to++ = i + 1 < len ? alphabet[v >> 6 & 63] : '=';
		*to++ = i + 2 < len ? alphabet[v & 63] : '=';
	}
	buf_commit(out, size);
	return true;
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* One group of four. Returns the bytes it holds, or 0 when it is malformed. */
static size_t decode_group(const char *in, unsigned char out[3])
{
	size_t digits = 4;
	uint32_t v = 0;

	if (in[3] == '=')
		digits = in[2] == '=' ? 2 : 3;
	for (size_t i = 0; i < 4; i++) {
		int d = i < digits ? value_of(in[i]) : 0;

		if (d < 0)
			return 0;
		v = v << 6 | (uint32_t)d;
	}
	/* Bits that belong to no byte must be zero, else two texts would mean the same bytes. */
	if ((digits == 2 && (v & 0xffff) != 0) || (digits == 3 && (v & 0xff) != 0))
		return 0;
	out[0] = (unsigned char)(v >> 16);
	out[1] = (unsigned char)(v >> 8);
	out[2] = (unsigned char)v;
	return digits - 1;
}

bool base64_add_decoded(struct buf *out, const char *text, size_t len)
{
	unsigned char *to;
	size_t size = 0;

	if (len % 4 != 0)
		return false;
	to = buf_reserve(out, len / 4 * 3);
	if (!to)
		return false;
	for (size_t i = 0; i < len; i += 4) {
		unsigned char group[3];
		size_t n = decode_group(text + i, group);

		if (n == 0 || (n < 3 && i + 4 < len))
			return false;
		for (size_t k = 0; k < n; k++)
			to[size++] = group[k];
	}
	buf_commit(out, size);
	return true;
}
