/* SPDX-License-Identifier: MIT
 * title: memory given back in time
 * tries: use 40 MiB for a moment and end small
 * limits: memoryBytes=128M
 * bound: memoryBytes >= 39M
 */
#include "attack_c.h"
/* A little less may be seen: the kernel charges in batches, and a container had some of it before. */
int main(void)
{
	size_t n = 40 << 20;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 1, n);
	munmap(p, n);
	return 0;
}
