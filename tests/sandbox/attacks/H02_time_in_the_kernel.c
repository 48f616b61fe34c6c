/* SPDX-License-Identifier: MIT
 * title: time hidden in the kernel
 * tries: burn system time alone
 * limits: cpuMs=400 wallMs=8000
 * verdict: cpu_time_limit
 * bound: cpuMs >= 400
 */
#include "attack_c.h"
int main(void)
{
	struct stat st;

	for (;;)
		stat("/usr/lib/../lib/../lib/../lib", &st);
}
