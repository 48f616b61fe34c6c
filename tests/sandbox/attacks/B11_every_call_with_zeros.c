/* SPDX-License-Identifier: MIT
 * title: every system call
 * tries: each number to 600 with zeros for arguments, in a child of its own
 * limits: cpuMs=20000 wallMs=40000
 * result: ended 600
 */
#include "attack_c.h"
int main(void)
{
	int ended = 0, status;

	for (long n = 0; n < 600; n++) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(1);
			if (n != SYS_rt_sigsuspend && n != SYS_clone
#ifdef SYS_pause
			    && n != SYS_pause && n != SYS_fork && n != SYS_vfork
#endif
			)
				syscall(n, 0, 0, 0, 0, 0, 0);
			_exit(0);
		}
		ended += waitpid(pid, &status, 0) == pid;
	}
	count("ended", ended);
	return 0;
}
