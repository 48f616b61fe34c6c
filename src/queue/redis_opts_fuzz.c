/* SPDX-License-Identifier: MIT */
/* What producers ask for, in the JSON of `opts`: whatever it says, the numbers that come out can be used. */
#include <stdint.h>
#include <string.h>

#include "queue/redis_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DAY_MS ((int64_t)86400000)

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static void check_keep(const struct keep *k)
{
	must(k->count >= -1 && k->age_s >= -1 && k->most >= 0);
	/* Ages become milliseconds in Redis. */
	must(k->age_s <= INT64_MAX / 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct held h = { .made = size > 0 ? data[0] : 0 };

	opts_read(&h, (const char *)data + (size > 0), size - (size > 0), 3600);
	must(h.attempts >= 1);
	check_keep(&h.completed);
	check_keep(&h.failed);
	for (int i = 0; i <= 4; i++) {
		int64_t ms = opts_backoff(&h, i / 4.0);

		must(ms >= 0 && ms <= 2 * DAY_MS);
	}
	return 0;
}
