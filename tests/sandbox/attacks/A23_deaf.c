/* SPDX-License-Identifier: MIT
 * title: deaf to every signal
 * tries: block and ignore all signals, and spin
 * limits: cpuMs=300
 * verdict: cpu_time_limit
 */
#include <signal.h>
int main(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, 0);
	for (int s = 1; s < 65; s++)
		signal(s, SIG_IGN);
	for (;;)
		__asm__ volatile("");
}
