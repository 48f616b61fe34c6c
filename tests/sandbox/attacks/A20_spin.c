/* SPDX-License-Identifier: MIT
 * title: one busy loop
 * tries: compute for ever
 * limits: cpuMs=300
 * verdict: cpu_time_limit
 * bound: cpuMs >= 300
 * bound: cpuMs <= 700
 */
int main(void)
{
	for (;;)
		__asm__ volatile("");
}
