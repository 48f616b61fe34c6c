/* SPDX-License-Identifier: MIT
 * title: assemble what is secret
 * tries: put a file of the host into the program with .incbin and print it
 * verdict: compile_error
 * compile: compile_error
 */
__asm__(".global data\ndata: .incbin \"/etc/shadow\"\n.byte 0");
extern const char data[];
int puts(const char *);
int main(void)
{
	return puts(data);
}
