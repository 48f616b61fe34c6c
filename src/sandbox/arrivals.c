/* SPDX-License-Identifier: MIT */
#include "sandbox/arrivals.h"

#define MS	INT64_C(1000000)
#define MILLION INT64_C(1000000)

/* Short: a client that begins to send job after job is to be noticed with its first few. */
#define HALF_LIFE_MS INT64_C(250)
#define ONE	     INT64_C(1024) /* the weight of an arrival that has just come */
#define WEIGHT_MAX   (ONE << 24)

/* At a steady rate the weights sum up to the rate times this: the half-life over the logarithm of 2. */
#define MEMORY_MS (HALF_LIFE_MS * 1000 / 693)

static int64_t weight_at(const struct arrivals *a, int64_t now)
{
	int64_t age_ms = now > a->at ? (now - a->at) / MS : 0;
	int64_t halved, part;

	if (age_ms / HALF_LIFE_MS >= 62)
		return 0;
	halved = a->weight >> (age_ms / HALF_LIFE_MS);
	/* Between two halvings a parabola, with the slope of the exponential where it begins, in millionths.
	 */
	part = age_ms % HALF_LIFE_MS * MILLION / HALF_LIFE_MS;
	return halved - halved * (693 * part / 1000 - 193 * part / 1000 * part / MILLION) / MILLION;
}

void arrivals_note(struct arrivals *a, int64_t now)
{
	int64_t weight = weight_at(a, now) + ONE;

	a->weight = weight < WEIGHT_MAX ? weight : WEIGHT_MAX;
	a->at = now;
}

uint32_t arrivals_within(const struct arrivals *a, int64_t span_ns, int64_t now)
{
	int64_t per = ONE * MEMORY_MS;

	return (uint32_t)((weight_at(a, now) * (span_ns / MS) + per / 2) / per);
}
