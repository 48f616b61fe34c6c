/* SPDX-License-Identifier: MIT */
/*
 * What the files of the flow share: flow.c (life cycle), flow_watch.c, flow_lease.c (the worker's side and
 * how jobs end); then, embedded, flow_embedded.c and flow_remove.c, distributed, flow_redis*.c.
 *
 * In which order queue and store are written: embedded, both in one commit, so nothing is ever half done.
 * Distributed, the store first (a job that was accepted has a row, a job that has ended has a terminal one),
 * then the queue; what is left half done by a crash is found by the row and finished by anyone.
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
struct job;
struct flow_take;
struct redis_queue;
struct reconcile;

/* How one pair of queue and store does what the flow promises. */
struct flow_pair {
	/* Whether both take writes now. */
	int (*ready)(struct flow *f, struct err *e);
	void (*submit)(struct flow *f, struct submission *s, flow_done_fn *done, void *arg);
	void (*get)(struct flow *f, const char *id, flow_get_fn *fn, void *arg);
	void (*remove)(struct flow *f, const char *id, flow_remove_fn *fn, void *arg);
	int64_t (*running)(const struct flow *f);
	/* A job was taken: hands it out (flow_hand_out), or ends it and asks again, now or later. */
	void (*admit)(struct flow_take *t, struct job *job, struct queue_job *j);
	/* Writes job->result: then watches are told and the job is freed (flow_job_ended). */
	void (*end)(struct job *job);
	bool (*attempts_left)(const struct job *job);
	/* Back into the queue. */
	void (*give_back)(struct job *job, bool blameless, const char *reason);
	void (*drain)(struct flow *f, flow_done_fn *fn, void *arg);
	/* Runs what is pending; whether anything was. */
	bool (*stop)(struct flow *f);
	bool foreign_ids;
};
extern const struct flow_pair flow_embedded, flow_distributed;

struct flow {
	const struct flow_pair *pair;
	struct event_base *base;
	struct db *db; /* embedded: what both queue and store write to, in joined groups */
	struct store *store;
	struct queue *queue;
	/* distributed */
	struct redis_queue *redis; /* the same as `queue` */
	void (*languages)(const char *const *versions, void *arg);
	void *languages_arg;
	struct reconcile *reconcile;
	struct list drains;
	struct event *drain_check;

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
	struct flow_take *take;	 /* distributed, while it is being admitted; NULL: nobody asks any more */
	bool row_ended;		 /* distributed: the store has its result */
	bool again;		 /* distributed: another producer's, which had ended and is run anew */
	bool withdrawn, applied; /* set by the writes of its end */
	struct list removals;	 /* DELETEs that wait for its end */
};

static inline struct job *job_find(struct flow *f, const char *id)
{
	return id_map_get(&f->jobs, id, struct job, by_id);
}

/* flow.c */
struct flow *flow_new(struct event_base *base, const struct flow_pair *pair, const struct flow_options *o);
void flow_start_sweeping(struct flow *f);

/* flow_embedded.c */
void embedded_remove(struct flow *f, const char *id, flow_remove_fn *fn, void *arg);

/* flow_redis_end.c, flow_redis_ask.c, flow_redis_remove.c, flow_reconcile.c */
void distributed_end(struct job *job);
void distributed_admit(struct flow_take *t, struct job *job, struct queue_job *j);
void distributed_get(struct flow *f, const char *id, flow_get_fn *fn, void *arg);
void distributed_remove(struct flow *f, const char *id, flow_remove_fn *fn, void *arg);
/* Takes the result of a job over that ended in the queue, by whomever, and has no terminal row. `n` is 1 when
 * the row is terminal now. Watches are told. `fn` may be NULL. */
void flow_adopt(struct flow *f, const char *id, void (*fn)(int n, const struct err *e, void *arg), void *arg);
/* A job that somebody watches has ended somewhere, or may have. */
void flow_look(struct flow *f, const char *id);
void reconcile_start(struct flow *f, int64_t every_ms);
void reconcile_stop(struct flow *f);

/* flow_lease.c */
struct result *job_result_of(const struct job *job, enum verdict v, const char *message);
void flow_hand_out(struct flow_take *t, struct job *job);
/* While it is found out whether the job can be the answer; job->take becomes NULL when nobody asks any more.
 */
void flow_take_hold(struct flow_take *t, struct job *job);
/* The job was ended instead. NULL is fine. */
void flow_ask_again(struct flow_take *t);
void job_free(struct job *job);
/* The last step of an end: `e` is why it could not be made durable. */
void flow_job_ended(struct job *job, const struct err *e);
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
bool watches_have(const struct flow *f, const char *id);
/* Calls `fn` with the id of every watch. */
void watches_each(struct flow *f, void (*fn)(struct flow *f, const char *id));

#endif
