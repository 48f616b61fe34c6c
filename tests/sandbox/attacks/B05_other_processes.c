/* SPDX-License-Identifier: MIT
 * title: look into other processes
 * tries: trace, read, write and take descriptors of init and of a parent
 * result: ptrace-* EPERM
 * result: process_vm_* kcmp pidfd_getfd EPERM
 * result: open-mem open-maps open-fd open-environ EACCES|EPERM|ENOENT
 */
#include "attack_c.h"
#include <sys/ptrace.h>
#include <sys/uio.h>
int main(void)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { (void *)0x400000, 1 };

	for (int pid = 1; pid <= 1; pid++) {
		CALL("ptrace-attach", SYS_ptrace, PTRACE_ATTACH, pid, 0, 0);
		CALL("ptrace-seize", SYS_ptrace, PTRACE_SEIZE, pid, 0, 0);
		CALL("process_vm_readv", SYS_process_vm_readv, pid, &here, 1, &there, 1, 0);
		CALL("process_vm_writev", SYS_process_vm_writev, pid, &here, 1, &there, 1, 0);
		CALL("kcmp", SYS_kcmp, pid, getpid(), 2, 0, 0);
		CALL("pidfd_getfd", SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), 0, 0);
	}
	CALL("ptrace-traceme", SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
	TRY("open-mem", open("/proc/1/mem", O_RDWR));
	TRY("open-maps", open("/proc/1/maps", O_RDONLY));
	TRY("open-fd", open("/proc/1/fd/0", O_RDWR));
	TRY("open-environ", open("/proc/1/environ", O_RDONLY));
	return 0;
}
