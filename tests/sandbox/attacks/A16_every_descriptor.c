/* SPDX-License-Identifier: MIT
 * title: all descriptors, in many processes
 * tries: take as many open files as there may be, forty times, and hold them
 * limits: processes=60
 * result: open EMFILE
 * result: raise-the-limit EPERM
 * result: processes 40
 */
#include "attack_c.h"
static int fill(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0);
	return fd;
}
int main(void)
{
	struct rlimit more = { 1 << 20, 1 << 20 };
	int done[2], n = 0;
	char byte;

	TRY("raise-the-limit", setrlimit(RLIMIT_NOFILE, &more));
	if (pipe(done) < 0)
		return 1;
	for (int i = 0; i < 40; i++) {
		if (fork() == 0) {
			fill();
			write(done[1], "", 1);
			for (;;)
				pause();
		}
	}
	while (n < 40 && read(done[0], &byte, 1) == 1)
		n++;
	TRY("open", fill());
	count("processes", n);
	return 0;
}
