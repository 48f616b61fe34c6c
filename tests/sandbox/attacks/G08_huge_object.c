/* SPDX-License-Identifier: MIT
 * title: a huge object
 * tries: fill the disk with an array of 2 GB
 * compile-limits: diskBytes=32M fileBytes=32M cpuMs=10000
 * verdict: compile_error
 * compile: compile_error | runtime_error | memory_limit | cpu_time_limit
 */
int a[1 << 29] = { 1 };
int main(void)
{
	return a[0];
}
