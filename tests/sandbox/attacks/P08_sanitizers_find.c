/* SPDX-License-Identifier: MIT
 * title: a bug that a sanitizer finds
 * tries: get AddressSanitizer's report with a stack
 * flags: -fsanitize=address -g
 * limits: memoryBytes=512M
 * verdict: runtime_error
 * stderr-has: heap-buffer-overflow
 * stderr-has: main\.c
 */
#include <stdlib.h>
int main(void)
{
	char *p = malloc(1);
	volatile int one = 1;

	p[one] = 1;
	return p[one];
}
