/* SPDX-License-Identifier: MIT
 * title: memory, page by page
 * tries: allocate and touch more than the limit
 * limits: memoryBytes=48M
 * verdict: memory_limit
 * bound: memoryBytes >= 40M
 * bound: memoryBytes <= 56M
 */
#include "attack_c.h"
int main(void)
{
	for (;;) {
		char *p = malloc(1 << 20);

		if (p)
			memset(p, 1, 1 << 20);
	}
}
