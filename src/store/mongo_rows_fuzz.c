/* SPDX-License-Identifier: MIT */
/* Documents of the database, which other programs may have written: what is taken from one is within it. */
#include <stdint.h>
#include <string.h>

#include "store/mongo_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static void within(const void *part, uint32_t len, const uint8_t *data, size_t size)
{
	const uint8_t *at = part;

	must(len == 0 || (at >= data && at + len <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mongo_row row;
	bson_t doc;

	if (!bson_init_static(&doc, data, size))
		return 0;
	mongo_row_read(&doc, &row);
	within(row.submission, row.submission_len, data, size);
	within(row.result, row.result_len, data, size);
	must(strlen(row.id) < sizeof(row.id) && strlen(row.state) < sizeof(row.state));
	must(strlen(row.language) < sizeof(row.language));
	must(strlen(row.result_chunks.name) < sizeof(row.result_chunks.name));
	return 0;
}
