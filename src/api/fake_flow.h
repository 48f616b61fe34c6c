/* SPDX-License-Identifier: MIT */
/* For tests: queue/flow.h's side of the API, in memory. Callbacks come from the loop, as the real ones do. */
#ifndef API_FAKE_FLOW_H
#define API_FAKE_FLOW_H

#include <event2/event.h>

#include "base/list.h"
#include "queue/flow.h"

#define FAKE_JOBS_MAX 64

struct fake_job {
	struct submission *submission; /* NULL: the row is free */
	enum job_state state;
	struct result *result;
};

struct flow {
	struct event_base *base;
	struct fake_job jobs[FAKE_JOBS_MAX];
	int n_jobs;
	struct list watches;
	int n_watches;
	int n_calls; /* on their way back */
	flow_watch_fn *observer;
	void *observer_arg;
	struct err refusal; /* kind set: flow_submit and flow_workers return it */
	const struct queue_worker *workers;
	size_t n_workers;
	struct err failure; /* kind set: what calls back brings it */
	bool finish_first;  /* a job's result is told before its submit is done */
};

void fake_flow_init(struct flow *f, struct event_base *base);
void fake_flow_done(struct flow *f);
/* Ends a job as a worker would; the program printed `out`. */
void fake_flow_finish(struct flow *f, const char *id, const char *out);
struct fake_job *fake_flow_find(struct flow *f, const char *id);

#endif
