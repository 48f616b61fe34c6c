/* SPDX-License-Identifier: MIT */
/*
 * What the files of the flow share: flow.c (life cycle, submit, get), flow_watch.c, flow_lease.c (the
 * worker's side and how jobs end), flow_remove.c.
 *
 * In which order queue and store are written: embedded, both in one commit, so nothing is ever half done.
 */
#ifndef QUEUE_FLOW_INTERNAL_H
#define QUEUE_FLOW_INTERNAL_H

#include "db/db.h"
#include "queue/flow.h"
#include "queue/id_map.h"
#include "queue/later.h"
#include "queue/queue.h"
#include "store/store.h"

struct event;

struct flow {
	struct event_base *base;
	struct db *db; /* embedded: what both queue and store write to, in joined groups */
	struct store *store;
	struct queue *queue;
	int64_t max_queue;
	int64_t result_ttl_ms;
	int attempts_max;

	struct later_queue later;
	struct id_map jobs;    /* of struct job: leased, or on the way to their end */
	struct id_map watches; /* of struct flow_watch */
	int64_t n_takes;
	flow_watch_fn *observer;
	void *observer_arg;
	struct event *sweep;
	bool sweeping;
	bool closing;
	bool told_full; /* the log */
};

/*
 * A job that is neither waiting nor durably finished.
 *
 *	LEASED → ENDING   by flow_finish, a give-back that was the last, or recovery
 *	         ENDING   by a withdrawal from the queue (`withdrawal`: it never had a lease here)
 *	LEASED → gone     given back, or its submit failed
 *	ENDING → gone     its result is durable
 */
enum job_stage { STAGE_LEASED, STAGE_ENDING };

struct job {
	struct lease lease; /* the worker's; first */
	struct id_node by_id;
	struct flow *flow;
	char id[JOB_ID_SIZE];
	enum job_stage stage;
	bool stored;	/* its submit is durable: the client may know the id */
	bool failed;	/* its submit failed: whatever its run brings is dropped */
	bool cancelled; /* a DELETE came while it ran */
	bool withdrawal;
	bool retried; /* its result could not be stored, this is the one that says so */
	flow_cancel_fn *on_cancel;
	void *on_cancel_arg;
	struct later tell_cancel;
	struct result *result;
	bool withdrawn, applied; /* set by the writes of its end */
	struct list removals;	 /* DELETEs that wait for its end */
};

static inline struct job *job_find(struct flow *f, const char *id)
{
	return id_map_get(&f->jobs, id, struct job, by_id);
}

/* flow_lease.c */
struct job *job_new(struct flow *f, const char *id);
/* Kills the run (the worker is told soon, at most once). */
void job_tell_cancel(struct job *job);
/* Hands the result (a reference is taken over) to store and queue; afterwards watches and removals are told
 * and the job is gone. */
void job_end(struct job *job, struct result *r);
/* What an earlier process left without a way on: ends each. */
void finish_lost(struct flow *f, const struct queue_lost *lost, int n);

/* flow_remove.c */
/* The job they waited for is gone; `withdrawn`: the first of them took it out of the queue. */
void removals_go_on(struct list *removals, bool withdrawn);

/* flow_watch.c */
void watches_tell(struct flow *f, struct result *r);

#endif
