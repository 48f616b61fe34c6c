/* SPDX-License-Identifier: MIT */
/*
 * An executor and a flow that do nothing by themselves: the test sees what the worker asked for and says what
 * came of it. The flow's functions are the real ones' names, so this takes the place of the queue in the
 * link.
 */
#ifndef WORKER_FAKES_H
#define WORKER_FAKES_H

#include <stdbool.h>
#include <stddef.h>

#include "executor/executor.h"
#include "queue/flow.h"

#define FAKES_MAX 16

struct fake_run {
	struct exec_run run; /* first: cast */
	char command[256];   /* argv, joined by spaces */
	struct limits limits;
	size_t n_files;
	size_t stdin_len;
	bool has_artifacts;
	bool cancelled;
	bool over;
	const struct exec_events *events;
	void *arg;
};

struct fake_executor {
	struct executor executor; /* first: cast */
	unsigned slots, ready;
	enum err_kind refuse;		 /* what a start meets, if not NONE */
	struct fake_run runs[FAKES_MAX]; /* in the order of their start */
	size_t n_runs;
	size_t n_busy; /* starts that met no ready slot */
};

void fake_executor_init(struct fake_executor *x, unsigned slots);
/* Changes the number of ready slots and tells the listener. */
void fake_executor_ready(struct fake_executor *x, unsigned ready);
/* Ends a run; the slot is ready again. `report` may leave artifacts_fd 0 for none. */
void fake_run_end(struct fake_executor *x, size_t run, struct exec_report report);
void fake_run_print(struct fake_executor *x, size_t run, enum exec_stream stream, const char *text);

/* How a lease ended. */
struct fake_job {
	struct lease lease; /* first: cast */
	bool over;
	struct result *result; /* finished */
	bool blameless;	       /* given back */
	char reason[256];
	flow_cancel_fn *cancel;
	void *cancel_arg;
};

struct flow {
	struct flow_take *takes[FAKES_MAX];
	struct fake_job jobs[FAKES_MAX];
	size_t n_jobs;
};

void fake_flow_init(struct flow *f);
void fake_flow_done(struct flow *f);
size_t fake_flow_asked(const struct flow *f);
/* Answers a standing question. False when there is none. Takes over the reference. */
bool fake_flow_give(struct flow *f, struct submission *s);

#endif
