/* SPDX-License-Identifier: MIT
 * title: a child dies of memory, the parent says all is well
 * tries: hide a memory kill behind the main process's exit status 0
 * limits: memoryBytes=48M wallMs=5000
 * verdict: memory_limit
 */
#include "attack_c.h"
int main(void)
{
	if (fork() == 0) {
		for (;;)
			memset(malloc(1 << 20), 1, 1 << 20);
	}
	wait(NULL);
	return 0;
}
