/* SPDX-License-Identifier: MIT */
#include "executor/docker_outcome.h"

#include "sandbox/verdict.h"

struct docker_outcome docker_outcome(const struct box_end *end, const struct sandbox_limits *limits)
{
	const struct verdict_facts facts = {
		.stop = (enum wire_stop)end->stop,
		.killed = end->killed,
		.ended = end->ended,
		.wait_status = end->wait_status,
		.start_errno = end->start_errno,
		.oom_own = end->oom_own,
		.oom_killed = end->oom_killed,
		.cpu_us = end->cpu_us,
		.cpu_limit_us = limits->cpu_ms * 1000,
		.wall_us = end->wall_us,
		.wall_limit_us = limits->wall_ms * 1000,
	};
	struct verdict v = verdict_decide(&facts);
	struct docker_outcome o = { v.lost, v.stop, v.exit_code, v.signal, v.problem };

	/* It ended by itself before the kill came, or everything beyond the cap was still in the pipe. */
	if (o.stop == WIRE_STOP_NONE && (end->truncated[0] || end->truncated[1]))
		o.stop = WIRE_STOP_OUTPUT;
	return o;
}
