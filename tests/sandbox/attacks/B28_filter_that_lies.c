/* SPDX-License-Identifier: MIT
 * title: a filter that undoes the filter
 * tries: add a filter that allows, traces or answers what the first one refuses
 * result: allowed-again EPERM
 * result: traced ENOSYS|EPERM
 * result: faked-success-changes-nothing EPERM|0
 * result: root no
 */
#include "attack_c.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
static void add(unsigned action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setuid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { 4, code };

	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p);
}
int main(void)
{
	add(SECCOMP_RET_ALLOW);
	CALL("allowed-again", SYS_setuid, 0);
	add(SECCOMP_RET_TRACE);
	CALL("traced", SYS_setuid, 0);
	add(SECCOMP_RET_ERRNO | 0);
	CALL("faked-success-changes-nothing", SYS_setuid, 0);
	say("root", getuid() == 0 || geteuid() == 0 ? "yes" : "no");
	return 0;
}
