/* SPDX-License-Identifier: MIT */
#include "job/job.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char *const verdict_names[VERDICT_COUNT] = {
	[VERDICT_OK] = "ok",
	[VERDICT_RUNTIME_ERROR] = "runtime_error",
	[VERDICT_COMPILE_ERROR] = "compile_error",
	[VERDICT_CPU_TIME_LIMIT] = "cpu_time_limit",
	[VERDICT_WALL_TIME_LIMIT] = "wall_time_limit",
	[VERDICT_MEMORY_LIMIT] = "memory_limit",
	[VERDICT_OUTPUT_LIMIT] = "output_limit",
	[VERDICT_WRONG_ANSWER] = "wrong_answer",
	[VERDICT_CANCELLED] = "cancelled",
	[VERDICT_INTERNAL_ERROR] = "internal_error",
};

const char *verdict_name(enum verdict v)
{
	assert((unsigned)v < VERDICT_COUNT);
	return verdict_names[v];
}

bool verdict_from_name(const char *name, enum verdict *ret_verdict)
{
	for (unsigned i = 0; i < VERDICT_COUNT; i++) {
		if (strcmp(name, verdict_names[i]) == 0) {
			*ret_verdict = (enum verdict)i;
			return true;
		}
	}
	return false;
}

const char *job_state_name(enum job_state s)
{
	static const char *const names[] = {
		[JOB_QUEUED] = "queued",
		[JOB_RUNNING] = "running",
		[JOB_FINISHED] = "finished",
	};

	assert((unsigned)s < sizeof(names) / sizeof(names[0]));
	return names[s];
}

const char *signal_name(int signal)
{
	static _Thread_local char name[24];
	const char *abbreviation;

	if (signal == 0)
		return NULL;
	abbreviation = sigabbrev_np(signal);
	if (abbreviation)
		snprintf(name, sizeof(name), "SIG%s", abbreviation);
	else
		snprintf(name, sizeof(name), "SIG%d", signal);
	return name;
}
