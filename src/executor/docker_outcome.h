/* SPDX-License-Identifier: MIT */
/* What became of a run, out of what its box tells: a file of its own, because sandbox/verdict.h and job/job.h
 * both have a tag named verdict. */
#ifndef EXECUTOR_DOCKER_OUTCOME_H
#define EXECUTOR_DOCKER_OUTCOME_H

#include <stdbool.h>

#include "box/protocol.h"

/* As in struct exec_report. */
struct docker_outcome {
	bool lost;
	unsigned stop; /* enum wire_stop */
	int exit_code;
	int signal;
	const char *problem; /* static, or NULL */
};

struct docker_outcome docker_outcome(const struct box_end *end, const struct sandbox_limits *limits);

#endif
