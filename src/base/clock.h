/* SPDX-License-Identifier: MIT */
/* Clocks. Modules that decide by time take it as a parameter; only their callers read a clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970 UTC: for what people and other machines read. */
int64_t clock_wall_ms(void);

/* Nanoseconds and milliseconds of the monotonic clock: for deadlines and durations. */
int64_t clock_mono_ns(void);
int64_t clock_mono_ms(void);

#define CLOCK_RFC3339_SIZE 25

/* "2026-01-02T03:04:05.678Z" and a NUL. Times outside years 0000 to 9999 are clamped. */
void clock_format_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE]);

#endif
