/* SPDX-License-Identifier: MIT
 * title: a program in assembly
 * tries: make its own system calls
 * machine: x86_64
 * stdout: "assembly\n"
 * verdict: runtime_error
 * exit: 7
 */
__asm__(".globl main\n"
	"main:\n"
	"	mov $1, %eax\n"
	"	mov $1, %edi\n"
	"	lea text(%rip), %rsi\n"
	"	mov $9, %edx\n"
	"	syscall\n"
	"	mov $7, %eax\n"
	"	ret\n"
	".section .rodata\n"
	"text: .ascii \"assembly\\n\"\n"
	".section .note.GNU-stack,\"\",@progbits\n");
