/* SPDX-License-Identifier: MIT
 * title: a far jump into 32-bit code
 * tries: switch the processor to 32-bit mode with a far return and call the kernel from there
 * machine: x86_64
 * flags: -O0
 * result: far SIGSYS
 */
#include "attack_c.h"
static void attack(const char *name)
{
	unsigned char *code = mmap((void *)0x20000000, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	static const unsigned char gate[] = {
		0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xfe
	}; /* getpid, then a loop */

	if (code == MAP_FAILED) {
		report(name, -1);
		return;
	}
	memcpy(code, gate, sizeof(gate));
	alarm(2);
	__asm__ volatile("mov %0, %%rsp\n\tpushq $0x23\n\tpushq %1\n\tlretq"
			 :
			 : "r"(code + 8192 - 64), "r"((long)code)
			 : "memory");
}
int main(void)
{
	in_child("far", attack);
	return 0;
}
