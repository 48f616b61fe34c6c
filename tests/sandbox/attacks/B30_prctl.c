/* SPDX-License-Identifier: MIT
 * title: odd corners of prctl
 * tries: rewrite what /proc says of it, switch off the time stamp counter's ban, raise speculation,
 *   another filter mode
 * result: PR_SET_MM-* EPERM
 * result: PR_SET_KEEPCAPS EPERM
 * result: PR_SET_MDWE-odd EINVAL|0
 * result: PR_MCE_KILL 0|EINVAL
 * result: PR_SET_SECCOMP-strict EINVAL
 */
#include "attack_c.h"
int main(void)
{
	CALL("PR_SET_MM-exe", SYS_prctl, 35, 13, 0, 0, 0);
	CALL("PR_SET_MM-brk", SYS_prctl, 35, 7, 0x1000, 0, 0);
	CALL("PR_SET_MM-dirty", SYS_prctl, 0x100000000ul | 35, 13, 0, 0, 0);
	CALL("PR_SET_KEEPCAPS", SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
	CALL("PR_SET_MDWE-odd", SYS_prctl, 65, 2, 0, 0, 0);
	CALL("PR_MCE_KILL", SYS_prctl, 33, 0, 0, 0, 0);
	CALL("PR_SET_SECCOMP-strict", SYS_prctl, PR_SET_SECCOMP, 1, 0, 0, 0);
	return 0;
}
