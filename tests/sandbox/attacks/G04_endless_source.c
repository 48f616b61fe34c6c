/* SPDX-License-Identifier: MIT
 * title: a source without end
 * tries: have the compiler read /dev/zero until memory ends
 * compile-limits: memoryBytes=96M wallMs=8000 cpuMs=5000
 * verdict: compile_error
 * compile: memory_limit | runtime_error | compile_error | cpu_time_limit | wall_time_limit
 */
#include "/dev/zero"
int main(void)
{
	return 0;
}
