/* SPDX-License-Identifier: MIT
 * title: filters until memory ends
 * tries: pile up system call filters, and one that passes calls to a supervisor of its own
 * limits: memoryBytes=64M cpuMs=3000
 * verdict: ok | memory_limit | cpu_time_limit
 * result: listener EPERM
 * result: filters bounded
 */
#include "attack_c.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
int main(void)
{
	static struct sock_filter code[4000];
	struct sock_fprog p = { 4000, code };
	int n = 0;

	for (int i = 0; i < 4000; i++)
		code[i] = (struct sock_filter)BPF_STMT(BPF_RET, SECCOMP_RET_ALLOW);
	CALL("listener", SYS_seccomp, SECCOMP_SET_MODE_FILTER, 8, &p);
	while (n < 10000 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) == 0)
		n++;
	say("filters", n > 0 && n < 10000 ? "bounded" : "not bounded");
	return 0;
}
