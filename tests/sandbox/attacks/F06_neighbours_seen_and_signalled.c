/* SPDX-License-Identifier: MIT
 * title: neighbours
 * tries: see and kill the processes of a job that runs beside it, by every number
 * together: yes
 * job: victim
 * result: alive yes
 * job: killer
 * result: signalled 0
 * result: seen 0
 */
#include "attack_c.h"
int main(int n, char **v)
{
	long signalled = 0, seen = 0;
	char path[32];

	if (n > 1 && strcmp(v[1], "victim") == 0) {
		sleep(1);
		say("alive", "yes");
		return 0;
	}
	for (int round = 0; round < 3; round++) {
		for (int pid = 2; pid < 70000; pid++) {
			if (pid == getpid())
				continue;
			signalled += kill(pid, 0) == 0;
			kill(pid, SIGKILL);
			if (round == 0 && pid < 5000) {
				snprintf(path, sizeof(path), "/proc/%d", pid);
				seen += access(path, F_OK) == 0;
			}
		}
		usleep(200000);
	}
	count("signalled", signalled);
	count("seen", seen);
	return 0;
}
