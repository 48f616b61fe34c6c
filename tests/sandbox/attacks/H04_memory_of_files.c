/* SPDX-License-Identifier: MIT
 * title: memory in files
 * tries: hold 30 MiB in /dev/shm and a memfd rather than in its own pages
 * limits: memoryBytes=128M
 * bound: memoryBytes >= 30M
 */
#include "attack_c.h"
int main(void)
{
	static char block[1 << 20];
	int a = open("/dev/shm/x", O_RDWR | O_CREAT, 0600), b = memfd_create("x", 0);

	memset(block, 1, sizeof(block));
	for (int i = 0; i < 15; i++) {
		write(a, block, sizeof(block));
		write(b, block, sizeof(block));
	}
	return 0;
}
