/* SPDX-License-Identifier: MIT
 * title: a bomb of macros
 * tries: 10^7 terms from eight lines
 * compile-limits: memoryBytes=96M cpuMs=4000
 * verdict: compile_error
 * compile: memory_limit | cpu_time_limit | runtime_error | compile_error
 */
#define A(x) x + x + x + x + x + x + x + x + x + x
#define B(x) A(A(x))
#define C(x) B(B(x))
int main(int n, char **v)
{
	(void)v;
	return C(B(A(n)));
}
