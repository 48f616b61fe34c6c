/* SPDX-License-Identifier: MIT
 * title: orphans without end
 * tries: leave so many dead and orphaned processes that init can no longer keep up, with 40 alive at most
 * limits: processes=40 cpuMs=8000 wallMs=15000
 * result: forks 3000
 * result: after 0
 */
#include "attack_c.h"
int main(void)
{
	long n = 0;
	pid_t pid;

	for (int i = 0; i < 3000; i++) {
		do {
			pid = fork();
			if (pid < 0)
				sched_yield();
		} while (pid < 0);
		if (pid == 0) {
			if (fork() == 0)
				_exit(0);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		n++;
	}
	count("forks", n);
	TRY("after", fork() == 0 ? (_exit(0), 0) : 0);
	return 0;
}
