/* SPDX-License-Identifier: MIT */
/*
 * DELETE, embedded. Where the job is decides what it comes to, and it may be somewhere else by the time the
 * answer is there: then the question starts over.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "queue/flow_internal.h"

/* A job moves forward only, so starting over ends; this ends it in a damaged database too. */
#define ROUNDS_MAX 16

struct removal {
	struct list node; /* in a job's `removals` */
	struct flow *flow;
	char id[JOB_ID_SIZE];
	int rounds;
	flow_remove_fn *fn;
	void *arg;
	struct later later;
	enum flow_removal what;
	struct err err;
	bool cancels; /* it is what took the job out of the queue */
};

static void go(struct removal *rm);

static void tell(struct removal *rm, enum flow_removal what, const struct err *e)
{
	rm->fn(what, e, rm->arg);
	free(rm);
}

static void tell_now(struct later *l)
{
	struct removal *rm = container_of(l, struct removal, later);

	tell(rm, rm->what, rm->err.kind == ERR_NONE ? NULL : &rm->err);
}

static void tell_later(struct removal *rm, enum flow_removal what)
{
	rm->what = what;
	later_call(&rm->flow->later, &rm->later, tell_now);
}

static void marked(const struct err *e, void *arg)
{
	/* Even if the mark is not durable: the job is being killed, and this process ends it as cancelled. */
	(void)e;
	tell(arg, FLOW_CANCELLED, NULL);
}

static void cancel_running(struct removal *rm, struct job *job)
{
	if (job->failed) {
		tell_later(rm, FLOW_NO_SUCH_JOB);
		return;
	}
	if (!job->cancelled)
		job_tell_cancel(job);
	job->cancelled = true;
	rm->flow->queue->ops->mark_cancelled(rm->flow->queue, rm->id, marked, rm);
}

/* Out of the queue, and the result that says so, in one commit. */
static void withdraw(struct removal *rm, const char *language, int64_t created_ms)
{
	struct flow *f = rm->flow;
	struct result *r;
	struct job *job;

	if (db_ready(f->db, &rm->err) < 0) {
		tell_later(rm, FLOW_NO_SUCH_JOB);
		return;
	}
	r = result_without_run(rm->id, language, created_ms, clock_wall_ms(), 0, VERDICT_CANCELLED,
			       "The job was cancelled before it started.");
	if (!r)
		abort();
	job = job_new(f, rm->id);
	job->withdrawal = true;
	job->stored = true;
	rm->cancels = true;
	list_push_back(&job->removals, &rm->node);
	job_end(job, r);
}

static void removed(int n, const struct err *e, void *arg)
{
	tell(arg, n > 0 ? FLOW_REMOVED : FLOW_NO_SUCH_JOB, e);
}

static void known(const struct store_row *row, const struct err *e, void *arg)
{
	struct removal *rm = arg;
	struct store *store = rm->flow->store;

	if (e || !row)
		tell(rm, FLOW_NO_SUCH_JOB, e);
	else if (row->result)
		store->ops->remove(store, rm->id, removed, rm);
	else if (job_find(rm->flow, rm->id))
		go(rm);
	else
		withdraw(rm, row->language, row->created_ms);
}

static void go(struct removal *rm)
{
	struct flow *f = rm->flow;
	struct job *job = job_find(f, rm->id);
	struct queue_peek peek;

	if (++rm->rounds > ROUNDS_MAX) {
		err_set(&rm->err, ERR_CORRUPT, 0, "Job %s is stored but neither waits nor runs.", rm->id);
		tell_later(rm, FLOW_NO_SUCH_JOB);
	} else if (job && job->stage == STAGE_ENDING) {
		list_push_back(&job->removals, &rm->node);
	} else if (job) {
		cancel_running(rm, job);
	} else if (f->queue->ops->peek(f->queue, rm->id, &peek) && peek.submission) {
		withdraw(rm, peek.submission->language, peek.submission->created_ms);
	} else {
		f->store->ops->get(f->store, rm->id, known, rm);
	}
}

void removals_go_on(struct list *removals, bool withdrawn)
{
	struct removal *rm;

	while ((rm = list_first(removals, struct removal, node))) {
		bool did = rm->cancels && withdrawn;

		list_remove(&rm->node);
		rm->cancels = false;
		if (did)
			tell(rm, FLOW_CANCELLED, NULL);
		else
			go(rm);
	}
}

void embedded_remove(struct flow *f, const char *id, flow_remove_fn *fn, void *arg)
{
	struct removal *rm = db_op_new(sizeof(*rm));

	rm->flow = f;
	rm->fn = fn;
	rm->arg = arg;
	snprintf(rm->id, sizeof(rm->id), "%s", id);
	list_init(&rm->node);
	later_init(&rm->later);
	go(rm);
}
