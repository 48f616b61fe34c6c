/* SPDX-License-Identifier: MIT
 * title: extended attributes
 * tries: hide data in attributes of files, where a limit on the size of files does not count it
 * limits: memoryBytes=48M diskBytes=4M
 * verdict: ok | memory_limit
 * result: setxattr ENOSPC|EOPNOTSUPP|EPERM
 */
#include "attack_c.h"
#include <sys/xattr.h>
int main(void)
{
	static char value[65536];
	char name[32];
	int fd = open("x", O_RDWR | O_CREAT, 0600), r = 0;

	memset(value, 1, sizeof(value));
	for (int i = 0; i < 100000 && r >= 0; i++) {
		snprintf(name, sizeof(name), "user.n%d", i);
		r = fsetxattr(fd, name, value, sizeof(value), 0);
	}
	report("setxattr", r);
	return 0;
}
