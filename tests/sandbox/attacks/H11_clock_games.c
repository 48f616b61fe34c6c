/* SPDX-License-Identifier: MIT
 * title: games with clocks
 * tries: make time go slower for itself by the time stamp counter's ban, another clock or a suspended timer
 * limits: wallMs=600
 * verdict: wall_time_limit
 * bound: wallMs >= 600
 */
#include "attack_c.h"
int main(void)
{
	struct timespec zero = { 0, 0 };
	struct itimerspec far = { { 0, 0 }, { 1000000, 0 } };
	timer_t t;

	clock_settime(CLOCK_REALTIME, &zero);
	timer_create(CLOCK_MONOTONIC, NULL, &t);
	timer_settime(t, 0, &far, NULL);
	prctl(PR_SET_TIMERSLACK, ~0ul, 0, 0, 0);
	for (;;)
		nanosleep(&(struct timespec){ 3600, 0 }, NULL);
}
