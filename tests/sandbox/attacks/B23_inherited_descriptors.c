/* SPDX-License-Identifier: MIT
 * title: inherited descriptors
 * tries: find a descriptor that somebody forgot, or a working directory outside
 * result: open-descriptors 3
 * result: stdin-is file
 * result: stdout-is pipe
 * result: sockets 0
 * result: cwd /box
 * result: process-group own
 */
#include "attack_c.h"
int main(void)
{
	struct stat st;
	char cwd[256];
	int n = 0, sockets = 0;
	ssize_t len = readlink("/proc/self/cwd", cwd, sizeof(cwd) - 1);

	for (int fd = 0; fd < 70000; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			continue;
		n++;
		fstat(fd, &st);
		sockets += S_ISSOCK(st.st_mode);
	}
	count("open-descriptors", n);
	fstat(0, &st);
	say("stdin-is", S_ISREG(st.st_mode) ? "file" : "something else");
	fstat(1, &st);
	say("stdout-is", S_ISFIFO(st.st_mode) ? "pipe" : "something else");
	count("sockets", sockets);
	cwd[len < 0 ? 0 : len] = '\0';
	say("cwd", cwd);
	say("process-group", getpgrp() == getsid(0) ? "own" : "another");
	return 0;
}
