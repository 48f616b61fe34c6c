/* SPDX-License-Identifier: MIT
 * title: socketcall through the 32-bit gate
 * tries: open a socket of a family that the filter refuses, with the arguments in memory
 * machine: x86_64
 * result: socketcall SIGSYS
 */
#include "attack_c.h"
static void attack(const char *name)
{
	unsigned *args = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	long r;

	args[0] = 38; /* AF_ALG */
	args[1] = SOCK_SEQPACKET;
	args[2] = 0;
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(102), "b"(1), "c"(args) : "memory");
	count(name, r);
}
int main(void)
{
	in_child("socketcall", attack);
	return 0;
}
