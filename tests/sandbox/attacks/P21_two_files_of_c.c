/* SPDX-License-Identifier: MIT
 * title: a program of several files
 * tries: headers, a second source in a directory, math, optimisation flags
 * flags: -O3 -Wall -Wextra -std=c11
 * file: part/other.c "int other(void) { return 41; }\n"
 * file: other.h "int other(void);\n"
 * stdout: "42 1.414\n"
 */
#include "other.h"
#include <math.h>
#include <stdio.h>
int main(void)
{
	volatile double two = 2;

	printf("%d %.3f\n", other() + 1, sqrt(two));
	return 0;
}
