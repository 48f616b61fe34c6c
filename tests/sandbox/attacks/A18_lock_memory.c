/* SPDX-License-Identifier: MIT
 * title: locked memory
 * tries: lock memory that the host then cannot take back
 * result: mlockall EPERM
 * result: mlock mlock2 ENOMEM|EPERM|EAGAIN
 * result: mmap-locked EAGAIN|EPERM
 */
#include "attack_c.h"
int main(void)
{
	char *p = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	TRY("mlockall", mlockall(MCL_CURRENT | MCL_FUTURE));
	TRY("mlock", mlock(p, 8 << 20));
	CALL("mlock2", SYS_mlock2, p, 8 << 20, 1);
	TRY("mmap-locked", mmap(NULL, 8 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
	return 0;
}
