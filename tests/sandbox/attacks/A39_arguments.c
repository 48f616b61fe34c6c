/* SPDX-License-Identifier: MIT
 * title: arguments as large as they get
 * tries: run itself again and again with ever more arguments, which the kernel keeps
 * limits: memoryBytes=64M
 * verdict: ok | memory_limit
 * result: execve E2BIG
 */
#include "attack_c.h"
int main(int n, char **v)
{
	static char *many[2000000], *environment[] = { NULL };
	long want = n < 2 ? 1000 : n * 4l;

	for (long i = 0; i < want && i < 1999999; i++)
		many[i] = "aaaaaaaa";
	many[0] = v[0];
	execve("/proc/self/exe", many, environment);
	report("execve", -1);
	return 0;
}
