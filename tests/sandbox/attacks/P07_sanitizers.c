/* SPDX-License-Identifier: MIT
 * title: a program with sanitizers
 * tries: run clean under AddressSanitizer and UndefinedBehaviorSanitizer
 * flags: -fsanitize=address,undefined -g
 * limits: memoryBytes=512M
 * stdout: "clean\n"
 * stderr: ""
 */
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
	char *leaked = malloc(100);

	leaked[99] = 1;
	puts("clean");
	return 0;
}
