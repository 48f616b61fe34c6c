/* SPDX-License-Identifier: MIT
 * title: a program that changes its file
 * tries: change the compiled program for whoever runs the same source next
 * job: first x2
 * stdout: "first of all\n"
 * job: second x2
 * stdout: "first of all\n"
 */
#include <stdio.h>
int main(int n, char **v)
{
	FILE *f;

	(void)n;
	puts("first of all");
	remove(v[0]);
	f = fopen(v[0], "w");
	if (f)
		fputs("#!/bin/sh\necho changed\n", f);
	return 0;
}
