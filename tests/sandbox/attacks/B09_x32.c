/* SPDX-License-Identifier: MIT
 * title: x32 calls
 * tries: system calls of the x32 ABI, whose numbers differ
 * machine: x86_64
 * result: getpid socket ptrace SIGSYS|ENOSYS
 */
#include "attack_c.h"
#define X32 0x40000000
static void attack_getpid(const char *name)
{
	CALL(name, X32 + SYS_getpid);
}
static void attack_socket(const char *name)
{
	CALL(name, X32 + SYS_socket, 38, SOCK_SEQPACKET, 0);
}
static void attack_ptrace(const char *name)
{
	CALL(name, X32 + 521, 0, 0, 0, 0);
}
int main(void)
{
	in_child("getpid", attack_getpid);
	in_child("socket", attack_socket);
	in_child("ptrace", attack_ptrace);
	return 0;
}
