/* SPDX-License-Identifier: MIT
 * title: somebody else's namespaces
 * tries: join those of init, by path and by pidfd
 * result: open-* EACCES|ENOENT
 * result: setns-* EPERM
 */
#include "attack_c.h"
int main(void)
{
	static const char *const kinds[] = { "user", "mnt", "net", "pid", "ipc", "uts", "cgroup", "time" };
	char name[64], path[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(path, sizeof(path), "/proc/1/ns/%s", kinds[i]);
		snprintf(name, sizeof(name), "open-%s", kinds[i]);
		TRY(name, open(path, O_RDONLY));
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		snprintf(name, sizeof(name), "setns-%s", kinds[i]);
		CALL(name, SYS_setns, open(path, O_RDONLY), 0);
	}
	CALL("setns-pidfd", SYS_setns, syscall(SYS_pidfd_open, 1, 0), CLONE_NEWNS);
	return 0;
}
