/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_wall_ms(void)
{
	return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

void clock_format_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE])
{
	const int64_t latest = INT64_C(253402300799999); /* 9999-12-31T23:59:59.999Z */
	time_t seconds;
	unsigned ms;
	struct tm tm;

	if (wall_ms < 0)
		wall_ms = 0;
	if (wall_ms > latest)
		wall_ms = latest;
	seconds = (time_t)(wall_ms / 1000);
	ms = (unsigned)(wall_ms % 1000);
	gmtime_r(&seconds, &tm);
	/* The modulos change nothing; they tell the compiler how wide each number can be. */
	snprintf(out, CLOCK_RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		 (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
		 (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
		 (unsigned)tm.tm_sec % 100, ms % 1000);
}
