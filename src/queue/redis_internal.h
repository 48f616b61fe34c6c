/* SPDX-License-Identifier: MIT */
/* What the files of the Redis queue share: redis.c (life, calls), redis_take.c (jobs come), redis_lease.c
 * (jobs go), redis_ask.c (questions), redis_listen.c (events, cancellations, counts),
 * redis_workers.c (who works). */
#ifndef QUEUE_REDIS_INTERNAL_H
#define QUEUE_REDIS_INTERNAL_H

#include "queue/id_map.h"
#include "queue/later.h"
#include "queue/redis.h"
#include "queue/redis_link.h"
#include "queue/redis_scripts.h"

struct event;

#define TOKEN_SIZE 64

struct queue_take {
	struct list node;
	queue_take_fn *fn;
	void *arg;
};

/* What a producer's opts say about the end of a job: BullMQ's keepJobs. */
struct keep {
	int64_t count; /* -1: all; 0: none */
	int64_t age_s; /* -1: for ever */
	int64_t most;  /* removed at once */
};

/* A lease of this process. */
struct held {
	struct id_node by_id;
	struct list node; /* in redis_queue.leases */
	char id[JOB_ID_SIZE];
	char token[TOKEN_SIZE];
	int64_t attempts; /* of its opts */
	int64_t made;	  /* before this one */
	int64_t started;  /* this one included */
	bool exponential;
	bool lifo;
	int64_t backoff_ms;
	double jitter;
	struct keep completed, failed;
};

/* A script on its way, or kept for later. */
struct redis_call {
	struct list node; /* in redis_queue.kept or .flying */
	struct redis_queue *queue;
	enum redis_script script;
	struct redis_args args; /* those of the script; when sent, EVALSHA's words stand before them */
	bool keep;		/* tried again until Redis has done it */
	bool whole;		/* the script's text goes along */
	struct err err;
	struct later failed;
	redis_reply_fn *fn;
	void *arg;
};

struct redis_queue {
	struct queue queue;
	struct event_base *base;
	struct redis_options o;
	struct redis_listener listener;
	struct redis_url url;
	char *key_prefix; /* "bull:code_submission:" */
	char worker[40];  /* "cc-" and random */
	char *client_name, *listener_name;
	struct later_queue later;
	bool stopping;

	struct redis_link *main;
	char *shas[SCRIPT_COUNT];
	struct list flying; /* calls that were sent */
	struct list kept;   /* calls for when Redis is back */
	struct event *again;
	int64_t n_keeping; /* calls with `keep` */

	/* taking */
	struct redis_link *blocker;
	struct list takes;
	bool fetching, blocking;
	bool told_trouble; /* the log knows why no job can be fetched */
	int64_t until_ms;  /* wall: the next delayed job; 0: none known */
	struct event *fetch_again;
	uint64_t n_tokens;
	struct id_map held;
	struct list leases;
	struct event *renewal, *sweep;
	struct event *heart;
	int64_t started_ms; /* wall */
	bool retired;	    /* takes no more jobs */

	/* listening */
	struct redis_link *events, *cancels;
	char last_event[64];
	int64_t n_ended[2];	 /* heard of: completed, failed */
	struct event *listening; /* the events are asked for again */
	struct event *poll;
	struct queue_worker *workers; /* what was heard of them last; their texts are of `infos` */
	json_t **infos;
	size_t n_workers;
	int64_t n_waiting, n_active, oldest_ms;
};

static inline struct redis_queue *redis_of(struct queue *q)
{
	return container_of(q, struct redis_queue, queue);
}

static inline struct held *held_find(const struct redis_queue *q, const char *id)
{
	return id_map_get(&q->held, id, struct held, by_id);
}

/* redis.c */
void redis_timer(struct event *timer, int64_t ms);
/* Runs a script; the arguments are taken over (emptied). With `keep` the callback's error says that the queue
 * is stopping. */
void redis_run(struct redis_queue *q, enum redis_script s, struct redis_args *args, bool keep,
	       redis_reply_fn *fn, void *arg);
int64_t redis_integer(const redisReply *r);
/* The text of a string or status reply, "" for any other. */
const char *redis_text(const redisReply *r);
/* Its length: that of the reply would be another one's for an error in the place of a text. */
size_t redis_len(const redisReply *r);

/* redis_take.c */
void take_go_on(struct redis_queue *q);
struct queue_take *redis_take(struct queue *base, queue_take_fn *fn, void *arg);
void redis_take_cancel(struct queue_take *t);
void take_blocker_up(void *arg);

/* redis_opts.c: what a producer asked for, from the JSON of `opts`. */
void opts_read(struct held *h, const char *json, size_t len, int64_t default_age_s);
int64_t opts_backoff(const struct held *h, double random);

/* redis_lease.c */
void lease_drop(struct redis_queue *q, struct held *h);
/* How often a job with these attempts in its opts may be started, whether it fails or its workers die. */
int64_t lease_starts_max(const struct redis_queue *q, int64_t attempts);
void lease_renew(struct redis_queue *q);
void on_renewal(int fd, short what, void *arg);
void on_stalled_sweep(int fd, short what, void *arg);

/* redis_listen.c */
void events_up(void *arg);
void cancels_up(void *arg);
void on_listen_again(int fd, short what, void *arg);
void on_poll(int fd, short what, void *arg);

/* redis_workers.c */
void workers_poll(struct redis_queue *q);
void workers_done(struct redis_queue *q);
void on_heart(int fd, short what, void *arg);

#endif
