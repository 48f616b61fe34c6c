/* SPDX-License-Identifier: MIT
 * title: a process that cannot be waited for
 * tries: end while children are stopped, traced or in vfork, from a process group of its own
 * stdout: "end\n"
 * bound: wallMs <= 2000
 */
#include "attack_c.h"
int main(void)
{
	for (int i = 0; i < 8; i++) {
		if (fork() == 0) {
			setpgid(0, 0);
			if (i % 2)
				raise(SIGSTOP);
			if (vfork() == 0)
				pause();
			pause();
		}
	}
	write(1, "end\n", 4);
	return 0;
}
