/* SPDX-License-Identifier: MIT
 * title: real-time priority
 * tries: get ahead of everything else on the host, the server included
 * result: nice EACCES|EPERM
 * result: SCHED_FIFO SCHED_RR SCHED_DEADLINE rtprio-limit nice-limit EPERM
 * result: ioprio EPERM
 * result: oom_score_adj EACCES|EPERM
 * result: timerslack 0
 */
#include "attack_c.h"
int main(void)
{
	struct sched_param p = { .sched_priority = 50 };
	struct rlimit all = { 99, 99 };
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} deadline = { 48, 6, 0, 0, 0, 10000000, 20000000, 20000000 };
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	CALL("nice", SYS_setpriority, PRIO_PROCESS, 0, -10);
	TRY("SCHED_FIFO", sched_setscheduler(0, SCHED_FIFO, &p));
	TRY("SCHED_RR", sched_setscheduler(0, SCHED_RR, &p));
	CALL("SCHED_DEADLINE", SYS_sched_setattr, 0, &deadline, 0);
	TRY("rtprio-limit", setrlimit(RLIMIT_RTPRIO, &all));
	TRY("nice-limit", setrlimit(RLIMIT_NICE, &all));
	CALL("ioprio", SYS_ioprio_set, 1, 0, 1 << 13);
	TRY("oom_score_adj", fd < 0 ? -1 : write(fd, "-1000", 5));
	TRY("timerslack", prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0));
	return 0;
}
