/* SPDX-License-Identifier: MIT
 * title: a flood of diagnostics
 * tries: gigabytes of messages from a kilobyte of source
 * compile-limits: outputBytes=20000 cpuMs=5000
 * verdict: compile_error
 * compile: output_limit
 */
#define A x y;
#define B A A A A A A A A A A
#define C B B B B B B B B B B
#define D C C C C C C C C C C
int main(void)
{
	D D D D D D D D D D
}
