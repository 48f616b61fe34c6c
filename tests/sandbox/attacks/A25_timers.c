/* SPDX-License-Identifier: MIT
 * title: timers
 * tries: make as many timers as there can be, each a thousand times a second
 * limits: cpuMs=400 wallMs=4000
 * verdict: cpu_time_limit
 * result: timer_create EAGAIN
 */
#include "attack_c.h"
int main(void)
{
	struct itimerspec often = { { 0, 1000000 }, { 0, 1000000 } };
	timer_t t;

	signal(SIGALRM, SIG_IGN);
	while (timer_create(CLOCK_MONOTONIC, NULL, &t) == 0)
		timer_settime(t, 0, &often, NULL);
	report("timer_create", -1);
	for (;;)
		;
}
