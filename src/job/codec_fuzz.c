/* SPDX-License-Identifier: MIT */
/* Stored rows: whatever decodes must encode to the very same bytes. */
#include <stdint.h>
#include <string.h>

#include "job/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(submission_unref_p) struct submission *s = NULL;
	AUTO(result_unref_p) struct result *r = NULL;
	AUTO(buf_done) struct buf out;
	struct err e = { 0 };

	buf_init(&out, size + 1);
	s = submission_decode(data, size, &e);
	must(s || e.kind == ERR_CORRUPT);
	r = result_decode(data, size, &e);
	must(r || e.kind == ERR_CORRUPT);
	if (s)
		must(submission_encode(&out, s));
	if (r)
		must(result_encode(&out, r));
	must((!s && !r) || (out.len == size && memcmp(out.data, data, size) == 0));
	return 0;
}
