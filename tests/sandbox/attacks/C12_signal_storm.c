/* SPDX-License-Identifier: MIT
 * title: a storm of signals
 * tries: queue as many signals as it may, from many processes to one that blocks them
 * limits: cpuMs=1500
 * verdict: ok | cpu_time_limit
 * result: sigqueue EAGAIN
 */
#include "attack_c.h"
int main(void)
{
	sigset_t all;
	pid_t parent = getpid();
	union sigval v = { 0 };
	int r = 0;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (int i = 0; i < 4; i++) {
		if (fork() == 0) {
			for (int n = 0; n < 100000; n++)
				sigqueue(parent, SIGRTMIN, v);
			_exit(0);
		}
	}
	for (int i = 0; i < 100000 && r == 0; i++)
		r = sigqueue(parent, SIGRTMIN + 1, v);
	report("sigqueue", r);
	while (wait(NULL) > 0)
		;
	return 0;
}
