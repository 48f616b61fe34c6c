/* SPDX-License-Identifier: MIT
 * title: all it may take, beside a neighbour
 * tries: take every process, thread, descriptor, pipe, timer, signal, lock and watch, so that a job
 *   beside it gets none
 * together: yes
 * limits: memoryBytes=256M
 * job: hog
 * verdict: ok | memory_limit
 * result: took all
 * job: neighbour
 * result: fork pipe timer signal inotify memory 0
 */
#include "attack_c.h"
#include <sys/inotify.h>
int main(int n, char **v)
{
	timer_t t;
	int p[2];

	if (n > 1 && strcmp(v[1], "hog") == 0) {
		while (inotify_init() >= 0)
			;
		while (timer_create(CLOCK_MONOTONIC, NULL, &t) == 0)
			;
		for (int i = 0; i < 40; i++) {
			if (fork() == 0) {
				while (pipe(p) == 0)
					fcntl(p[1], F_SETPIPE_SZ, 1 << 20);
				pause();
			}
		}
		say("took", "all");
		usleep(700000);
		return 0;
	}
	usleep(300000);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	TRY("fork", pid);
	TRY("pipe", pipe(p));
	TRY("timer", timer_create(CLOCK_MONOTONIC, NULL, &t));
	TRY("signal", sigqueue(getpid(), SIGCHLD, (union sigval){ 0 }));
	TRY("inotify", inotify_init());
	TRY("memory",
	    mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
	return 0;
}
