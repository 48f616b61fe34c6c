/* SPDX-License-Identifier: MIT
 * title: a storm of syncs
 * tries: make the host write back its disks again and again
 * limits: cpuMs=500 wallMs=1500
 * verdict: cpu_time_limit | wall_time_limit
 */
#include "attack_c.h"
int main(void)
{
	int fd = open("x", O_RDWR | O_CREAT, 0600);

	for (int i = 0; i < 4; i++)
		fork();
	for (;;) {
		pwrite(fd, "x", 1, 0);
		fsync(fd);
		syncfs(fd);
	}
}
