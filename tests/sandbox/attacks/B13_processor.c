/* SPDX-License-Identifier: MIT
 * title: what belongs to the processor
 * tries: ports, local descriptor tables, virtual 8086 mode, privileged instructions
 * machine: x86_64
 * result: iopl ioperm modify_ldt EPERM
 * result: set_thread_area-odd ENOSYS|EINVAL|EFAULT
 * result: hlt inb wrmsr lgdt SIGSEGV
 * result: cli SIGSEGV
 */
#include "attack_c.h"
#define INSTRUCTION(what, text)                     \
	static void attack_##what(const char *name) \
	{                                           \
		__asm__ volatile(text);             \
		say(name, "went through");          \
	}
INSTRUCTION(hlt, "hlt")
INSTRUCTION(inb, "inb $0x71, %%al" : : : "rax")
INSTRUCTION(wrmsr, "wrmsr")
INSTRUCTION(cli, "cli")
INSTRUCTION(lgdt, "lgdt (%%rsp)" : :)
int main(void)
{
	char buf[64] = { 0 };

	CALL("iopl", SYS_iopl, 3);
	CALL("ioperm", SYS_ioperm, 0x70, 2, 1);
	CALL("modify_ldt", SYS_modify_ldt, 0, buf, sizeof(buf));
	CALL("set_thread_area-odd", SYS_set_thread_area, 1);
	in_child("hlt", attack_hlt);
	in_child("inb", attack_inb);
	in_child("wrmsr", attack_wrmsr);
	in_child("cli", attack_cli);
	in_child("lgdt", attack_lgdt);
	return 0;
}
