/* SPDX-License-Identifier: MIT
 * title: a file of 4 PiB with nothing in it
 * tries: make whoever reads files by their size read for ever
 * result: truncate EFBIG
 * result: fallocate EFBIG|ENOSPC
 */
#include "attack_c.h"
int main(void)
{
	int fd = open("x", O_RDWR | O_CREAT, 0600);

	signal(SIGXFSZ, SIG_IGN);
	TRY("truncate", ftruncate(fd, 1ll << 52));
	TRY("fallocate", fallocate(fd, 0, 0, 1ll << 52));
	return 0;
}
