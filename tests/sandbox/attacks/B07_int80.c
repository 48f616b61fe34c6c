/* SPDX-License-Identifier: MIT
 * title: the 32-bit call gate
 * tries: make a system call with int 0x80, past a filter that knows the 64-bit numbers only
 * machine: x86_64
 * verdict: runtime_error
 * signal: SIGSYS
 */
int main(void)
{
	int r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
	return r > 0 ? 42 : 43;
}
