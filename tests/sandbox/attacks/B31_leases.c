/* SPDX-License-Identifier: MIT
 * title: leases and notifications on shared files
 * tries: hold up or watch whoever opens a file that all containers share
 * result: setlease* notify* EPERM
 */
#include "attack_c.h"
int main(void)
{
	int file = open("/bin/sh", O_RDONLY), dir = open("/usr", O_RDONLY);

	CALL("setlease", SYS_fcntl, file, F_SETLEASE, F_RDLCK);
	CALL("setlease-dirty", SYS_fcntl, file, 0x100000000ul | F_SETLEASE, F_RDLCK);
	CALL("notify", SYS_fcntl, dir, F_NOTIFY, 1);
	CALL("notify-dirty", SYS_fcntl, dir, 0x100000000ul | F_NOTIFY, 1);
	return 0;
}
