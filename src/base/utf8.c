/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <string.h>

/*
 * Length of the well-formed sequence at `s`, or 0; then *ret_bad is how many bytes one replacement character
 * stands for. The ranges of the second byte are table 3-7 of the Unicode standard.
 */
static size_t sequence(const unsigned char *s, size_t len, size_t *ret_bad)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t need;

	*ret_bad = 1;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	need = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < need; i++) {
		if (i == len || s[i] < low || s[i] > high) {
			*ret_bad = i;
			return 0;
		}
		low = 0x80;
		high = 0xbf;
	}
	return need;
}

bool utf8_is_valid(const char *data, size_t len)
{
	const unsigned char *s = (const unsigned char *)data;
	size_t at = 0, bad;

	while (at < len) {
		size_t n = sequence(s + at, len - at, &bad);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

bool utf8_add_replaced(struct buf *out, const char *data, size_t len, bool *ret_replaced)
{
	const unsigned char *s = (const unsigned char *)data;
	size_t at = 0, good = 0, bad;

	*ret_replaced = false;
	while (at < len) {
		size_t n = sequence(s + at, len - at, &bad);

		if (n > 0) {
			at += n;
			continue;
		}
		if (!buf_add(out, data + good, at - good) || !buf_add(out, "\xef\xbf\xbd", 3))
			return false;
		*ret_replaced = true;
		at += bad;
		good = at;
	}
	return buf_add(out, data + good, at - good);
}
