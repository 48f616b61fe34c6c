/* SPDX-License-Identifier: MIT
 * title: pipes full of data
 * tries: hold the kernel's memory in pipe buffers made as large as they get
 * limits: memoryBytes=64M
 * verdict: memory_limit | ok
 * result: pipe 0
 * result: F_SETPIPE_SZ 0|EPERM
 */
#include "attack_c.h"
int main(void)
{
	static char block[1 << 20];

	memset(block, 1, sizeof(block));
	for (int i = 0; i < 500; i++) {
		int p[2];
		int r = pipe2(p, O_NONBLOCK);

		if (i == 0)
			TRY("pipe", r);
		if (r < 0)
			break;
		r = fcntl(p[1], F_SETPIPE_SZ, 1 << 20);
		if (i == 0)
			TRY("F_SETPIPE_SZ", r);
		while (write(p[1], block, sizeof(block)) > 0)
			;
	}
	return 0;
}
