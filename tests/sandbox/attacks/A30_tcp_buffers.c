/* SPDX-License-Identifier: MIT
 * title: TCP connections full of data
 * tries: hold the kernel's memory in the buffers of connections to itself, which cgroup v1 does not
 *   count by default
 * cgroup: v1
 * executors: native
 * limits: memoryBytes=64M wallMs=20000
 * verdict: memory_limit | ok
 * result: held-by-the-kernel below-96M
 */
#include "attack_c.h"
#include <arpa/inet.h>
#include <netinet/in.h>
static long tcp_pages(void)
{
	char line[256];
	long pages = 0;
	FILE *f = fopen("/proc/net/sockstat", "r");

	while (f && fgets(line, sizeof(line), f)) {
		char *at = strncmp(line, "TCP:", 4) == 0 ? strstr(line, " mem ") : NULL;

		if (at)
			pages = atol(at + 5);
	}
	if (f)
		fclose(f);
	return pages;
}
int main(void)
{
	static char block[65536];
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(here);
	int l = socket(AF_INET, SOCK_STREAM, 0);
	int size = 1 << 26;
	long before = tcp_pages(), held;

	memset(block, 1, sizeof(block));
	setsockopt(l, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(l, (struct sockaddr *)&here, len) < 0 || listen(l, 1024) < 0)
		return 1;
	getsockname(l, (struct sockaddr *)&here, &len);
	for (int i = 0; i < 450; i++) {
		int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		setsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		if (s < 0 || (connect(s, (struct sockaddr *)&here, len) < 0 && errno != EINPROGRESS) ||
		    accept(l, 0, 0) < 0)
			break;
		while (write(s, block, sizeof(block)) > 0)
			;
	}
	held = tcp_pages() - before;
	say("held-by-the-kernel", held < (96 << 20) / 4096 ? "below-96M" : "more");
	return 0;
}
