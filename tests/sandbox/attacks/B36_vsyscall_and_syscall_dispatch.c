/* SPDX-License-Identifier: MIT
 * title: calls that come another way
 * tries: the vsyscall page, and system call user dispatch, which runs before the filter
 * machine: x86_64
 * result: vsyscall SIGSEGV|SIGSYS|0
 * result: mount-with-dispatch EPERM|SIGSYS
 */
#include "attack_c.h"
static void vsyscall(const char *name)
{
	long r = ((long (*)(void *))0xffffffffff600400ul)(NULL);

	report(name, r < 0 ? -1 : 0);
}
static void dispatch(const char *name)
{
	static volatile char block = 0;

	prctl(59, 1, 0, 0, &block);
	CALL(name, SYS_mount, 0, 0, 0, 0, 0);
}
int main(void)
{
	in_child("vsyscall", vsyscall);
	in_child("mount-with-dispatch", dispatch);
	return 0;
}
