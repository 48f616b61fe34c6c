/* SPDX-License-Identifier: MIT
 * title: a child dies of memory, and the parent holds the slot
 * tries: go on for long after the memory limit was hit
 * limits: memoryBytes=48M wallMs=20000
 * verdict: memory_limit
 * bound: wallMs <= 6000
 */
#include "attack_c.h"
int main(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		volatile char *p = malloc(200 << 20);

		for (size_t i = 0; i < 200 << 20; i += 4096)
			p[i] = 1;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	sleep(12);
	return 0;
}
