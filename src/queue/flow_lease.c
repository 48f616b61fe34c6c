/* SPDX-License-Identifier: MIT */
/* The worker's side, and how jobs end. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/flow_internal.h"

struct flow_take {
	struct flow *flow;
	struct queue_take *question;
	struct job *admitting; /* it may become the answer */
	flow_take_fn *fn;
	void *arg;
};

/* Makes a result of `kind` for a job that no container ended. */
struct result *job_result_of(const struct job *job, enum verdict v, const char *message)
{
	const struct submission *s = job->lease.submission;
	struct result *r = result_without_run(job->id, s ? s->language : "", s ? s->created_ms : 0,
					      clock_wall_ms(), job->lease.attempt, v, message);

	if (!r)
		abort(); /* as db_op_new: a crash is recovered from, a job without an end is not */
	r->started_ms = job->lease.started_ms;
	return r;
}

struct job *job_new(struct flow *f, const char *id)
{
	struct job *job = db_op_new(sizeof(*job));

	job->flow = f;
	snprintf(job->id, sizeof(job->id), "%s", id);
	list_init(&job->removals);
	later_init(&job->tell_cancel);
	id_map_add(&f->jobs, &job->by_id, job->id);
	return job;
}

void job_free(struct job *job)
{
	bool withdrawn = job->withdrawal && job->applied;
	struct list removals;

	list_init(&removals);
	while (!list_is_empty(&job->removals)) {
		struct list *first = job->removals.next;

		list_remove(first);
		list_push_back(&removals, first);
	}
	later_cancel(&job->tell_cancel);
	id_map_remove(&job->flow->jobs, &job->by_id);
	submission_unref(job->lease.submission);
	result_unref(job->result);
	free(job);
	/* Last, for they look the job up again. */
	removals_go_on(&removals, withdrawn);
}

/* ---- taking ---- */

static void ask(struct flow_take *t);

void flow_hand_out(struct flow_take *t, struct job *job)
{
	flow_take_fn *fn = t->fn;
	void *arg = t->arg;

	job->take = NULL;
	t->flow->n_takes--;
	free(t);
	fn(&job->lease, arg);
}

void flow_take_hold(struct flow_take *t, struct job *job)
{
	t->admitting = job;
	job->take = t;
}

void flow_ask_again(struct flow_take *t)
{
	if (!t)
		return;
	if (t->admitting)
		t->admitting->take = NULL;
	t->admitting = NULL;
	ask(t);
}

static void taken(struct queue_job *j, void *arg)
{
	struct flow_take *t = arg;
	struct flow *f = t->flow;
	struct job *job = job_new(f, j->id);

	job->stored = j->stored;
	job->lease.submission = j->submission;
	job->lease.attempt = j->attempt;
	job->lease.started_ms = clock_wall_ms();
	t->question = NULL;
	f->pair->admit(t, job, j);
}

static void ask(struct flow_take *t)
{
	t->question = t->flow->queue->ops->take(t->flow->queue, taken, t);
}

struct flow_take *flow_take(struct flow *f, flow_take_fn *fn, void *arg)
{
	struct flow_take *t = db_op_new(sizeof(*t));

	t->flow = f;
	t->fn = fn;
	t->arg = arg;
	f->n_takes++;
	ask(t);
	return t;
}

void flow_take_cancel(struct flow_take **t)
{
	if (!*t)
		return;
	if ((*t)->question)
		(*t)->flow->queue->ops->take_cancel((*t)->question);
	if ((*t)->admitting)
		(*t)->admitting->take = NULL;
	(*t)->flow->n_takes--;
	free(TAKE(*t));
}

/* ---- cancelling ---- */

static void tell_cancel(struct later *l)
{
	struct job *job = container_of(l, struct job, tell_cancel);
	flow_cancel_fn *fn = TAKE(job->on_cancel);

	if (fn)
		fn(job->on_cancel_arg);
}

void job_tell_cancel(struct job *job)
{
	if (job->on_cancel)
		later_call(&job->flow->later, &job->tell_cancel, tell_cancel);
}

static struct job *job_of(struct lease *l)
{
	struct job *job = container_of(l, struct job, lease);

	assert(job->stage == STAGE_LEASED);
	return job;
}

void flow_on_cancel(struct lease *l, flow_cancel_fn *fn, void *arg)
{
	struct job *job = job_of(l);

	job->on_cancel = fn;
	job->on_cancel_arg = arg;
	if (job->cancelled || job->failed)
		job_tell_cancel(job);
}

/* ---- ending ---- */

/* A result that cannot be stored as it is (not for want of space: that is waited out) must not leave the job
 * without an end. */
static void store_apology(struct job *job, const struct err *e)
{
	struct result *bad = job->result;
	struct result *r = result_without_run(bad->id, bad->language, bad->created_ms, bad->finished_ms,
					      bad->attempts, VERDICT_INTERNAL_ERROR, e->msg);

	log_error(job->id, "the result could not be stored: %s", e->msg);
	job->retried = true;
	if (!r)
		abort();
	job->result = NULL;
	result_unref(bad);
	job_end(job, r);
}

void flow_job_ended(struct job *job, const struct err *e)
{
	struct flow *f = job->flow;

	if (e && !f->closing && !job->retried && !job->withdrawal) {
		store_apology(job, e);
		return;
	}
	if (e)
		log_error(job->id, "the result is not stored, the job will run again: %s", e->msg);
	else if (job->applied && !job->failed)
		watches_tell(f, job->result);
	job_free(job);
}

void job_end(struct job *job, struct result *r)
{
	job->stage = STAGE_ENDING;
	job->on_cancel = NULL;
	job->result = r;
	later_cancel(&job->tell_cancel);
	submission_unref(TAKE(job->lease.submission));
	job->flow->pair->end(job);
}

void flow_finish(struct lease *l, struct result *r)
{
	struct job *job = job_of(l);

	if (job->failed)
		job_free(job);
	else if (job->cancelled && r->verdict != VERDICT_CANCELLED)
		job_end(job, job_result_of(job, VERDICT_CANCELLED, "The job was cancelled."));
	else
		job_end(job, result_ref(r));
}

/* Its last attempt is lost too: says so to whoever sent it. */
static void job_give_up(struct job *job, const char *reason)
{
	size_t len = strlen(reason);
	char message[400];

	if (len > 0 && reason[len - 1] == '.')
		len--;
	snprintf(message, sizeof(message),
		 "The job was started %d times and lost each time; the last time: %.*s.", job->lease.attempt,
		 (int)len, reason);
	job_end(job, job_result_of(job, VERDICT_INTERNAL_ERROR, message));
}

void flow_give_back(struct lease *l, bool blameless, const char *reason)
{
	struct job *job = job_of(l);

	if (job->failed)
		job_free(job);
	else if (job->cancelled)
		job_end(job, job_result_of(job, VERDICT_CANCELLED, "The job was cancelled."));
	else if (!blameless && !job->flow->pair->attempts_left(job))
		job_give_up(job, reason);
	else
		job->flow->pair->give_back(job, blameless, reason);
}

/* ---- after a crash ---- */

static void lost_known(const struct store_row *row, const struct err *e, void *arg)
{
	struct job *job = arg;
	enum verdict v = job->cancelled ? VERDICT_CANCELLED : VERDICT_INTERNAL_ERROR;
	char message[128];
	struct result *r;

	snprintf(message, sizeof(message), "The job was started %d times and its worker died each time.",
		 job->lease.attempt);
	if (e)
		log_error(job->id, "a job of an earlier process cannot be read: %s", e->msg);
	r = result_without_run(job->id, row ? row->language : "", row ? row->created_ms : 0, clock_wall_ms(),
			       job->lease.attempt, v, job->cancelled ? "The job was cancelled." : message);
	if (!r)
		abort();
	r->started_ms = job->lease.started_ms;
	job_end(job, r);
}

void finish_lost(struct flow *f, const struct queue_lost *lost, int n)
{
	for (int i = 0; i < n; i++) {
		struct job *job = job_new(f, lost[i].id);

		job->stage = STAGE_ENDING;
		job->stored = true;
		job->cancelled = lost[i].cancelled;
		job->lease.attempt = lost[i].attempts;
		job->lease.started_ms = lost[i].taken_ms;
		f->store->ops->get(f->store, job->id, lost_known, job);
	}
}
