/* SPDX-License-Identifier: MIT
 * title: type into a terminal
 * tries: TIOCSTI, TIOCLINUX and TIOCCONS on every descriptor, also with dirt in the upper half; get a
 *   controlling one
 * result: TIOC* EPERM
 * result: tty ENXIO|ENOENT|EACCES|EIO
 * result: ptmx ENOENT|0
 * executors: native docker
 */
#include "attack_c.h"
#include <sys/ioctl.h>
int main(void)
{
	static const struct {
		const char *name;
		unsigned long number;
	} calls[] = { { "TIOCSTI", 0x5412 }, { "TIOCLINUX", 0x541c }, { "TIOCCONS", 0x541d } };
	char name[32];

	for (int fd = 0; fd < 3; fd++) {
		for (size_t i = 0; i < 3; i++) {
			snprintf(name, sizeof(name), "%s-%d", calls[i].name, fd);
			CALL(name, SYS_ioctl, fd, calls[i].number, "x");
			strcat(name, "-dirty");
			CALL(name, SYS_ioctl, fd, 0x100000000ul | calls[i].number, "x");
		}
	}
	TRY("tty", open("/dev/tty", O_RDWR));
	TRY("ptmx", open("/dev/ptmx", O_RDWR | O_NOCTTY));
	return 0;
}
