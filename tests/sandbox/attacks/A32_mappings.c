/* SPDX-License-Identifier: MIT
 * title: as many mappings as there may be
 * tries: make the end of its processes slow by 65,000 mappings in each of ten
 * limits: memoryBytes=256M
 * verdict: ok | memory_limit
 * result: mmap ENOMEM
 */
#include "attack_c.h"
static int fill(void)
{
	void *p;
	int i = 0;

	/* Neighbours of different protection do not become one. */
	do
		p = mmap(NULL, 4096, i++ % 2 ? PROT_READ : PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	while (p != MAP_FAILED && i < 1000000);
	return p == MAP_FAILED ? -1 : 0;
}
int main(void)
{
	int r = fill();

	report("mmap", r);
	for (int i = 0; i < 10; i++) {
		if (fork() == 0)
			pause();
	}
	return 0;
}
