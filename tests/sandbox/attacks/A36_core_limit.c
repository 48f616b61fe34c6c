/* SPDX-License-Identifier: MIT
 * title: a core limit of 0
 * tries: lower RLIMIT_CORE from 1 to 0, with which a core handler of the host is started as root; also
 *   past a filter
 *   that compares 64 bits
 * executors: native
 * result: before 1
 * result: after-* 1
 */
#include "attack_c.h"
static void hard_limit(const char *name)
{
	struct rlimit now;

	getrlimit(RLIMIT_CORE, &now);
	count(name, (long)now.rlim_max);
}
int main(void)
{
	struct rlimit none = { 0, 0 };

	hard_limit("before");
	syscall(SYS_prlimit64, 0, RLIMIT_CORE, &none, 0);
	hard_limit("after-prlimit64");
	syscall(SYS_prlimit64, 0, 0x100000000ul | RLIMIT_CORE, &none, 0);
	hard_limit("after-prlimit64-dirty");
	syscall(SYS_prlimit64, getpid(), RLIMIT_CORE, &none, 0);
	hard_limit("after-prlimit64-by-pid");
	syscall(SYS_setrlimit, RLIMIT_CORE, &none);
	hard_limit("after-setrlimit");
	syscall(SYS_setrlimit, 0x100000000ul | RLIMIT_CORE, &none);
	hard_limit("after-setrlimit-dirty");
	return 0;
}
