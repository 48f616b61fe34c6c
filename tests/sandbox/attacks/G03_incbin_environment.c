/* SPDX-License-Identifier: MIT
 * title: assemble the compiler's environment
 * tries: put /proc/self/environ of the assembler into the program, for secrets in it
 * verdict: ok | compile_error
 * never: CODECRUSHER|REDIS|MONGO|KEY=|TOKEN|SECRET
 */
#include <stdio.h>
__asm__(".global data\ndata: .incbin \"/proc/self/environ\"\nend: .byte 0\n.global end");
extern const char data[], end[];
int main(void)
{
	fwrite(data, 1, (size_t)(end - data), stdout);
	return 0;
}
