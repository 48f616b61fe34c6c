/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include <stdlib.h>

void samples_add(struct samples *s, int64_t ns)
{
	if (s->n < SAMPLES_MAX)
		s->ns[s->n++] = ns;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

double samples_percentile_ms(struct samples *s, double p)
{
	size_t at;

	if (s->n == 0)
		return 0;
	qsort(s->ns, s->n, sizeof(s->ns[0]), compare);
	at = (size_t)(p / 100 * (double)(s->n - 1) + 0.5);
	return (double)s->ns[at] / 1e6;
}
