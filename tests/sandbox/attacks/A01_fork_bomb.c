/* SPDX-License-Identifier: MIT
 * title: fork bomb
 * tries: fork for ever, children too
 * limits: processes=30 wallMs=1200 cpuMs=1200
 * verdict: wall_time_limit | cpu_time_limit
 * result: refused EAGAIN
 */
#include "attack_c.h"
int main(void)
{
	pid_t first = getpid();

	for (;;) {
		if (fork() < 0 && getpid() == first) {
			report("refused", -1);
			first = 0;
		}
	}
}
