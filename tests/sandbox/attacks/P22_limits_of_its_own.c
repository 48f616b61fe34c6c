/* SPDX-License-Identifier: MIT
 * title: limits of its own
 * tries: what other judges' wrappers and sanitizers do: lower limits, filters, Landlock, a core limit,
 *   niceness
 * result: * 0
 * result: landlock 0|ENOSYS|EOPNOTSUPP
 */
#include "attack_c.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
int main(void)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog p = { 1, code };
	struct rlimit few = { 64, 64 }, none = { 0, 0 };
	uint64_t handled = 1;

	TRY("nofile", setrlimit(RLIMIT_NOFILE, &few));
	TRY("core", setrlimit(RLIMIT_CORE, &none));
	TRY("nice", setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 1));
	TRY("batch", sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 }));
	TRY("affinity", sched_getaffinity(0, sizeof(cpu_set_t), &(cpu_set_t){ 0 }));
	TRY("name", prctl(PR_SET_NAME, "worker", 0, 0, 0));
	TRY("pdeathsig", prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
	CALL("landlock", 444, &handled, 8, 0);
	TRY("seccomp", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p));
	return 0;
}
