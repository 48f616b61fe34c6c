/* SPDX-License-Identifier: MIT */
#include "sandbox/verdict.h"

#include <signal.h>
#include <sys/wait.h>

int64_t verdict_cpu_check_us(int64_t limit_us, int64_t used_us, uint32_t cpus)
{
	int64_t left = limit_us - used_us;
	int64_t delay = left / (cpus > 0 ? cpus : 1);

	if (delay < 1000)
		delay = left < 1000 ? left : 1000;
	return delay > 0 ? delay : 0;
}

static enum wire_stop find_stop(const struct verdict_facts *f)
{
	/* A memory kill found while looking at the clocks came before the look, and wins the tie. */
	if (f->oom_own && f->oom_killed && (f->stop == WIRE_STOP_NONE || f->stop > WIRE_STOP_OUTPUT))
		return WIRE_STOP_MEMORY;
	if (f->stop != WIRE_STOP_NONE)
		return f->stop;
	if (f->cpu_us > f->cpu_limit_us)
		return WIRE_STOP_CPU;
	if (f->wall_us > f->wall_limit_us)
		return WIRE_STOP_WALL;
	return WIRE_STOP_NONE;
}

static bool was_killed_by(enum wire_stop stop, int status)
{
	/* The kernel's own kill at the limit: the OOM killer, and the hard RLIMIT_CPU behind our timer. */
	if (!WIFSIGNALED(status))
		return false;
	return (stop == WIRE_STOP_MEMORY && WTERMSIG(status) == SIGKILL) ||
	       (stop == WIRE_STOP_CPU && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGXCPU));
}

struct verdict verdict_decide(const struct verdict_facts *f)
{
	struct verdict v = { .stop = find_stop(f), .exit_code = -1 };

	if (f->oom_killed && !f->oom_own && f->stop == WIRE_STOP_NONE) {
		v.lost = true;
		v.problem = "the host ran out of memory and killed the program";
		return v;
	}
	if (f->start_errno)
		return v;
	if (f->ended && !was_killed_by(v.stop, f->wait_status)) {
		if (WIFEXITED(f->wait_status))
			v.exit_code = WEXITSTATUS(f->wait_status);
		else
			v.signal = WTERMSIG(f->wait_status);
		return v;
	}
	if (!f->ended && !f->killed && v.stop == WIRE_STOP_NONE) {
		v.lost = true;
		v.problem = "the container ended before it reported";
	}
	return v;
}
