/* SPDX-License-Identifier: MIT
 * title: pidfds
 * tries: get at init, at whoever started it, and at processes of the host by guessed numbers
 * result: getfd-init signal-init EPERM
 * result: guessed 0
 * result: pidfd-of-a-thread 0|EINVAL|EPERM
 */
#include "attack_c.h"
int main(void)
{
	long init = syscall(SYS_pidfd_open, 1, 0);
	int n = 0;

	CALL("getfd-init", SYS_pidfd_getfd, init, 0, 0);
	CALL("signal-init", SYS_pidfd_send_signal, init, SIGKILL, 0, 0);
	for (int pid = 2; pid < 40000; pid++) {
		long fd;

		if (pid == getpid() || (fd = syscall(SYS_pidfd_open, pid, 0)) < 0)
			continue;
		n++;
		close((int)fd);
	}
	count("guessed", n);
	CALL("pidfd-of-a-thread", SYS_pidfd_open, getpid(), 02000000000);
	return 0;
}
