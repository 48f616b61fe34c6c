/* SPDX-License-Identifier: MIT */
/*
 * A job's way in and out of this process, distributed. Out: its result goes into its row, if none is there
 * already; then the queue is told with what the row holds, which for a job that ran twice is the result of
 * the first. In: a job that was started before, or came past our APIs, is looked up first.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/flow_internal.h"
#include "queue/redis.h"

/* Until a job whose row cannot be read right now comes again. */
#define STORE_PAUSE_MS 2000

/* ---- out ---- */

static void queue_ended(const struct err *e, void *arg)
{
	struct job *job = arg;

	if (e)
		log_warn(job->id, "has ended, and the queue will learn it later: %s", e->msg);
	job_free(job);
}

static void tell_queue(struct job *job)
{
	redis_finish(job->flow->redis, job->id, job->result, queue_ended, job);
}

/* Another result was first. */
static void row_known(const struct store_row *row, const struct err *e, void *arg)
{
	struct job *job = arg;

	/* The end is kept until the store takes it, a question is not: the queue must not get what the row
	 * has not. */
	if (e && !job->flow->closing) {
		distributed_end(job);
		return;
	}
	if (row && row->result) {
		result_unref(job->result);
		job->result = result_ref(row->result);
	}
	watches_tell(job->flow, job->result);
	tell_queue(job);
}

static void row_ended(const struct err *e, void *arg)
{
	struct job *job = arg;
	struct flow *f = job->flow;

	if (e && f->closing) {
		log_error(job->id, "the result is not stored, the job will run again: %s", e->msg);
		job_free(job);
	} else if (e) {
		flow_job_ended(job, e);
	} else if (job->applied) {
		job->row_ended = true;
		watches_tell(f, job->result);
		tell_queue(job);
	} else {
		job->row_ended = true;
		f->store->ops->get(f->store, job->id, row_known, job);
	}
}

void distributed_end(struct job *job)
{
	struct flow *f = job->flow;
	const struct store_finish finish = {
		.result = job->result,
		.expires_ms = clock_wall_ms() + f->result_ttl_ms,
		.ret_applied = &job->applied,
	};

	f->store->ops->finish(f->store, &finish, row_ended, job);
}

/* ---- in ---- */

static void hand_out(struct job *job)
{
	if (job->again && !job->failed)
		redis_begun(job->flow->redis, job->id);
	if (job->take)
		flow_hand_out(job->take, job);
	else if (job->failed)
		job_free(job);
	else
		flow_give_back(&job->lease, true, "");
}

static void end_as(struct job *job, enum verdict v, const char *message)
{
	struct flow_take *t = job->take;

	job_end(job, job_result_of(job, v, message));
	flow_ask_again(t);
}

/* The row's own result, so that the queue gets it; the row stays as it is. */
static void end_as_row(struct job *job, struct result *r)
{
	struct flow_take *t = job->take;

	job->stage = STAGE_ENDING;
	job->row_ended = true;
	submission_unref(TAKE(job->lease.submission));
	job->result = result_ref(r);
	tell_queue(job);
	flow_ask_again(t);
}

static void put_off(struct job *job, const struct err *e)
{
	struct flow_take *t = job->take;

	log_warn(job->id, "its row cannot be read now: %s", e->msg);
	redis_give_back(job->flow->redis, job->id, STORE_PAUSE_MS);
	flow_ask_again(t);
	job_free(job);
}

static void loaded(struct submission *s, const struct err *e, void *arg)
{
	struct job *job = arg;

	if (job->failed) {
		flow_ask_again(job->take);
		job_free(job);
	} else if (e) {
		put_off(job, e);
	} else if (!s) {
		end_as(job, VERDICT_INTERNAL_ERROR,
		       "The stored job cannot be found. Please submit it again.");
	} else {
		job->lease.submission = submission_ref(s);
		hand_out(job);
	}
}

static void looked_up(const struct store_row *row, const struct err *e, void *arg)
{
	struct job *job = arg;
	struct store *store = job->flow->store;

	if (job->failed) {
		flow_ask_again(job->take);
		job_free(job);
	} else if (e) {
		put_off(job, e);
	} else if (row && row->result) {
		end_as_row(job, row->result);
	} else if (!job->lease.submission) {
		store->ops->load(store, job->id, loaded, job);
	} else {
		/* The row's time names what is run: one that was begun anew has another than the queue says.
		 */
		if (row && row->created_ms > job->lease.submission->created_ms)
			job->lease.submission->created_ms = row->created_ms;
		hand_out(job);
	}
}

static void row_made(const struct err *e, void *arg)
{
	struct job *job = arg;
	struct store *store = job->flow->store;

	if (e && !job->failed)
		put_off(job, e);
	else
		store->ops->get(store, job->id, looked_up, job);
}

/* Of a job that ended and was retried, the old result gives way to a row of now: the store tells by the time
 * which of two is of the later job. */
static void old_row_known(const struct store_row *row, const struct err *e, void *arg)
{
	struct job *job = arg;
	struct store *store = job->flow->store;
	int64_t now = clock_wall_ms();

	if (e && !job->failed) {
		put_off(job, e);
		return;
	}
	if (row && row->result)
		job->lease.submission->created_ms = now > row->created_ms ? now : row->created_ms + 1;
	store->ops->create(store, job->lease.submission, row_made, job);
}

/* A job without a submission still has a language and a time, as far as the queue knows them. */
static void end_unreadable(struct job *job, const struct queue_job *j)
{
	struct flow_take *t = job->take;
	const char *message =
		j->problem ? j->problem : "The stored job cannot be read. Please submit it again.";
	struct result *r = result_without_run(job->id, j->language ? j->language : "", j->created_ms,
					      clock_wall_ms(), j->attempt, VERDICT_INTERNAL_ERROR, message);

	if (!r)
		abort();
	r->started_ms = job->lease.started_ms;
	job_end(job, r);
	flow_ask_again(t);
}

void distributed_admit(struct flow_take *t, struct job *job, struct queue_job *j)
{
	struct store *store = job->flow->store;

	flow_take_hold(t, job);
	job->again = j->again && !j->own;
	if (!j->submission && !j->load)
		end_unreadable(job, j);
	else if (j->cancelled)
		end_as(job, VERDICT_CANCELLED, "The job was cancelled.");
	else if (job->again && j->submission)
		store->ops->get(store, job->id, old_row_known, job);
	else if (!j->own && j->submission)
		store->ops->create(store, j->submission, row_made, job);
	else if (j->attempt > 1 || j->load)
		store->ops->get(store, job->id, looked_up, job);
	else
		hand_out(job);
}
