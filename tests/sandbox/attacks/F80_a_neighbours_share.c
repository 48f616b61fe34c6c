/* SPDX-License-Identifier: MIT
 * title: a neighbour's share
 * executors: native
 * tries: take all inotify instances and queued signals that a user may have, while a neighbour wants one
 * together: yes
 * job: greedy
 * limits: wallMs=20000
 * result: taken yes
 * job: modest
 * limits: wallMs=20000
 * result: refused 0
 */
#include "attack_c.h"
#include <sys/inotify.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Long enough that the two are there at the same time, whichever comes first. */
int main(int argc, char **argv)
{
	double end = now() + 4;
	struct timespec pause = { .tv_nsec = 20000000 };
	int refused = 0, taken = 0;

	if (argc > 1 && strcmp(argv[1], "greedy") == 0) {
		while (now() < end) {
			taken += inotify_init() >= 0;
			nanosleep(&pause, NULL);
			while (inotify_init() >= 0)
				taken++;
		}
		say("taken", taken > 10 ? "yes" : "no");
		return 0;
	}
	while (now() < end - 1) {
		int fd = inotify_init();

		refused += fd < 0;
		if (fd >= 0)
			close(fd);
		nanosleep(&pause, NULL);
	}
	count("refused", refused);
	return 0;
}
