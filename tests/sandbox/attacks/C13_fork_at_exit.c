/* SPDX-License-Identifier: MIT
 * title: fork at the end
 * tries: multiply in the handlers that run when the process exits
 * limits: processes=30
 * verdict: ok | wall_time_limit | cpu_time_limit
 * bound: wallMs <= 11000
 */
#include "attack_c.h"
static void again(void)
{
	for (int i = 0; i < 10; i++) {
		if (fork() == 0)
			setsid();
	}
}
int main(void)
{
	for (int i = 0; i < 30; i++)
		atexit(again);
	return 0;
}
