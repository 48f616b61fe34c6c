/* SPDX-License-Identifier: MIT
 * title: endless recursion
 * tries: grow the stack for ever
 * flags: -O0
 * verdict: runtime_error | memory_limit
 * signal: SIGSEGV | None | SIGKILL
 */
static int f(volatile int n)
{
	volatile char room[4096];

	room[0] = (char)n;
	return f(n + 1) + room[0];
}
int main(void)
{
	return f(0);
}
