/* SPDX-License-Identifier: MIT */
/* Base64 and UTF-8 from outside: one text has one meaning, and what was made valid stays as it is. */
#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static void check_base64(const char *text, size_t size)
{
	AUTO(buf_done) struct buf bytes, again;

	buf_init(&bytes, size + 1);
	buf_init(&again, 2 * size + 4);
	if (!base64_add_decoded(&bytes, text, size)) {
		must(bytes.len == 0);
		return;
	}
	must(base64_add_encoded(&again, bytes.data, bytes.len));
	must(again.len == size && (size == 0 || memcmp(again.data, text, size) == 0));
}

static void check_utf8(const char *text, size_t size)
{
	AUTO(buf_done) struct buf clean, again;
	bool replaced, twice;

	buf_init(&clean, 3 * size + 1);
	buf_init(&again, 3 * size + 1);
	must(utf8_add_replaced(&clean, text, size, &replaced));
	must(replaced == !utf8_is_valid(text, size));
	must(utf8_add_replaced(&again, buf_text(&clean), clean.len, &twice));
	must(!twice && again.len == clean.len && memcmp(buf_text(&again), buf_text(&clean), clean.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_base64((const char *)data, size);
	check_utf8((const char *)data, size);
	return 0;
}
