/* SPDX-License-Identifier: MIT
 * title: a file over its limit
 * tries: write on after fileBytes
 * limits: fileBytes=64K
 * verdict: runtime_error
 * signal: SIGXFSZ
 */
#include "attack_c.h"
int main(void)
{
	static char block[4096];
	int fd = open("x", O_WRONLY | O_CREAT, 0600);

	while (write(fd, block, sizeof(block)) > 0)
		;
	return 0;
}
