/* SPDX-License-Identifier: MIT */
/* Samples of one measured thing, and what is said of them. */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLES_MAX 20000

struct samples {
	int64_t ns[SAMPLES_MAX];
	size_t n;
	double cpu_ms; /* per operation, of the whole machine less the load generator; 0: not measured */
};

/* Drops what is over SAMPLES_MAX. Not thread-safe. */
void samples_add(struct samples *s, int64_t ns);

/* Sorts in place; `p` from 0 to 100. Milliseconds. 0 without samples. */
double samples_percentile_ms(struct samples *s, double p);

#endif
