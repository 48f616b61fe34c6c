/* SPDX-License-Identifier: MIT
 * title: a little memory in each hiding place
 * tries: stay below the limit in each kind: memfd, /dev/shm, page tables, pipes, private pages;
 *   together far above
 * limits: memoryBytes=48M diskBytes=32M
 * verdict: memory_limit
 */
#include "attack_c.h"
static char block[1 << 20];
int main(void)
{
	int fd = memfd_create("x", 0), disk = open("/dev/shm/x", O_RDWR | O_CREAT, 0600);

	memset(block, 1, sizeof(block));
	for (int i = 0; i < 14; i++) {
		write(fd, block, sizeof(block));
		write(disk, block, sizeof(block));
	}
	for (int i = 0; i < 10; i++) {
		int p[2];

		pipe2(p, O_NONBLOCK);
		fcntl(p[1], F_SETPIPE_SZ, 1 << 20);
		write(p[1], block, sizeof(block));
	}
	/* A page of page table for each. */
	for (long i = 0; i < 4000; i++) {
		char *p = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (p != MAP_FAILED)
			p[2 << 20] = 1;
	}
	for (int i = 0; i < 14; i++)
		memset(malloc(1 << 20), 1, 1 << 20);
	return 0;
}
