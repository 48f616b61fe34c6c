/* SPDX-License-Identifier: MIT
 * title: netlink answers that nobody reads
 * tries: hold the kernel's memory in dumps of the routing tables, which no cgroup counts
 * limits: memoryBytes=64M wallMs=20000 cpuMs=10000 processes=20
 * verdict: memory_limit | ok
 * result: socket EAFNOSUPPORT
 * result: held-by-the-kernel below-256M
 */
#include "attack_c.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
static long free_kib(void)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "MemAvailable:", 13) == 0)
			kib = atol(line + 13);
	}
	if (f)
		fclose(f);
	return kib;
}
static void fill(void)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg kind;
	} ask = { { sizeof(ask), RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { AF_UNSPEC } };

	for (int i = 0; i < 1000; i++) {
		int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), size = 1 << 26;

		if (s < 0)
			break;
		setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		for (int j = 0; j < 200; j++) {
			if (send(s, &ask, sizeof(ask), MSG_DONTWAIT) < 0)
				break;
		}
	}
}
int main(void)
{
	long before = free_kib(), held;
	int done[2];
	char byte;

	TRY("socket", socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	if (pipe(done) < 0)
		return 1;
	for (int i = 0; i < 8; i++) {
		if (fork() == 0) {
			fill();
			write(done[1], "", 1);
			pause();
		}
	}
	for (int i = 0; i < 8; i++)
		read(done[0], &byte, 1);
	held = before - free_kib();
	say("held-by-the-kernel", held < (256 << 10) ? "below-256M" : "more");
	return 0;
}
