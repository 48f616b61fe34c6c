/* SPDX-License-Identifier: MIT
 * title: time hidden in children
 * tries: compute in short-lived children and orphans, whose time no rusage of the main process has
 * limits: cpuMs=500 wallMs=8000
 * verdict: cpu_time_limit
 * bound: cpuMs >= 500
 */
#include "attack_c.h"
int main(void)
{
	for (;;) {
		if (fork() == 0) {
			if (fork() == 0) {
				for (volatile int i = 0; i < 3000000; i++)
					;
			}
			_exit(0);
		}
		wait(NULL);
	}
}
