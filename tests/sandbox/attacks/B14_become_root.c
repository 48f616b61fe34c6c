/* SPDX-License-Identifier: MIT
 * title: become root
 * tries: every call that changes ids and capabilities
 * result: * EPERM
 * result: fsuid fsgid unchanged
 * result: securebits EPERM
 * result: no_new_privs-off EINVAL
 * result: bounding-set empty
 */
#include "attack_c.h"
#include <sys/fsuid.h>
int main(void)
{
	struct {
		uint32_t version, pid, data[6];
	} caps = { 0x20080522, 0, { ~0u, ~0u, 0, ~0u, ~0u, 0 } };
	int bits = 0;

	CALL("setuid", SYS_setuid, 0);
	CALL("setgid", SYS_setgid, 0);
	CALL("setreuid", SYS_setreuid, 0, 0);
	CALL("setregid", SYS_setregid, 0, 0);
	CALL("setresuid", SYS_setresuid, 0, 0, 0);
	CALL("setresgid", SYS_setresgid, 0, 0, 0);
	CALL("setgroups", SYS_setgroups, 0, 0);
	CALL("capset", SYS_capset, &caps, &caps.data);
	CALL("neighbour", SYS_setuid, getuid() + 1);
	setfsuid(0);
	say("fsuid", (uid_t)setfsuid(-1) == getuid() ? "unchanged" : "changed");
	setfsgid(0);
	say("fsgid", (gid_t)setfsgid(-1) == getgid() ? "unchanged" : "changed");
	CALL("securebits", SYS_prctl, PR_SET_SECUREBITS, 0, 0, 0, 0);
	CALL("ambient", SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0);
	CALL("no_new_privs-off", SYS_prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);
	for (int cap = 0; cap < 64; cap++)
		bits += prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1;
	say("bounding-set", bits ? "not empty" : "empty");
	return 0;
}
