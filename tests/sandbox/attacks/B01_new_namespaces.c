/* SPDX-License-Identifier: MIT
 * title: namespaces of its own
 * tries: unshare every kind of namespace, and clone into them, also with dirt in the upper half of the
 *   flags
 * result: unshare-* clone-* EPERM
 * result: clone3 ENOSYS
 */
#include "attack_c.h"
int main(void)
{
	static const struct {
		const char *name;
		unsigned long flag;
	} kinds[] = { { "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS },  { "net", CLONE_NEWNET },
		      { "pid", CLONE_NEWPID },	 { "ipc", CLONE_NEWIPC }, { "uts", CLONE_NEWUTS },
		      { "time", 0x80 },		 { "cgroup", 0x02000000 } };
	uint64_t args[11] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };
	char name[64];
	long pid;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(name, sizeof(name), "unshare-%s", kinds[i].name);
		CALL(name, SYS_unshare, kinds[i].flag);
		snprintf(name, sizeof(name), "unshare-%s-dirty", kinds[i].name);
		CALL(name, SYS_unshare, 0x100000000ul | kinds[i].flag);
		if (kinds[i].flag == 0x80) /* bits of the signal, in clone */
			continue;
		for (int dirty = 0; dirty < 2; dirty++) {
			snprintf(name, sizeof(name), "clone-%s%s", kinds[i].name, dirty ? "-dirty" : "");
			pid = syscall(SYS_clone, (dirty ? 0x100000000ul : 0) | kinds[i].flag | SIGCHLD, 0, 0,
				      0, 0);
			if (pid == 0)
				_exit(0);
			report(name, pid);
		}
	}
	pid = syscall(SYS_clone3, args, sizeof(args));
	if (pid == 0)
		_exit(0);
	report("clone3", pid);
	return 0;
}
