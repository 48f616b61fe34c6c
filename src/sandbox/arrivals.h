/* SPDX-License-Identifier: MIT */
/* How often something has come of late: a count that halves several times a second. */
#ifndef SANDBOX_ARRIVALS_H
#define SANDBOX_ARRIVALS_H

#include <stdint.h>

/* All zero: nothing ever came. Times are nanoseconds of one clock. */
struct arrivals {
	int64_t weight;
	int64_t at;
};

void arrivals_note(struct arrivals *a, int64_t now);

/* How many may come within `span_ns` at the rate of late, to the nearest number. Spans up to a minute. */
uint32_t arrivals_within(const struct arrivals *a, int64_t span_ns, int64_t now);

#endif
