/* SPDX-License-Identifier: MIT
 * title: no memory for the one who reports
 * tries: fill memory to the last page with kernel objects and end, so that init cannot report
 * limits: memoryBytes=24M
 * verdict: memory_limit | runtime_error
 */
#include "attack_c.h"
int main(void)
{
	for (;;) {
		char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			_exit(1);
		*p = 1;
		socket(AF_UNIX, SOCK_DGRAM, 0);
	}
}
