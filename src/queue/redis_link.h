/* SPDX-License-Identifier: MIT */
/*
 * One connection to Redis that comes back by itself: it greets (password, database, name), says when it is up
 * or down, and is dropped when the server leaves a command without an answer. Between two tries it waits,
 * longer each time. Redis Cluster and Sentinel are not accepted.
 *
 * On the event loop's thread. A command's callback is called once, never inside the call that sends it.
 */
#ifndef QUEUE_REDIS_LINK_H
#define QUEUE_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "queue/redis_url.h"

struct event_base;
struct redis_link;

/* What a command is made of; owns its words. */
struct redis_args {
	size_t n, size;
	char **words;
	size_t *lens;
};
void redis_args_add(struct redis_args *a, const void *data, size_t len);
void redis_args_text(struct redis_args *a, const char *text);
void redis_args_int(struct redis_args *a, int64_t value);
void redis_args_done(struct redis_args *a);

struct redis_link_options {
	struct event_base *base;
	const struct redis_url *url; /* borrowed */
	const char *what;	     /* for the log: "queue", "events"; static */
	const char *client_name;     /* CLIENT SETNAME; borrowed; NULL: none */
	int64_t patience_ms;	     /* a command without an answer for so long ends the connection */
	void (*up)(void *arg);
	void (*down)(void *arg); /* after all commands on the way were told */
	void *arg;
};

/* Begins to connect. */
struct redis_link *redis_link_new(const struct redis_link_options *o);
/* Ends it for good: commands on the way are told, and it does not come back. */
void redis_link_shut(struct redis_link *l);
/* Commands on the way are told ERR_BUSY. NULL is fine. */
void redis_link_free(struct redis_link *l);

bool redis_link_is_up(const struct redis_link *l);
/* Why it is down, for people. */
const char *redis_link_problem(const struct redis_link *l);

/* `reply` is NULL when there is none (`e` is ERR_BUSY then: it may or may not have taken effect). An error
 * that Redis answers is `e` as well. */
typedef void redis_reply_fn(const redisReply *reply, const struct err *e, void *arg);
/* False: it is down, nothing was sent and nothing will be called. `patience_ms` of this command, or 0 for the
 * link's. */
bool redis_link_send(struct redis_link *l, const struct redis_args *a, redis_reply_fn *fn, void *arg);
/* A push of a subscribed channel is told to `fn` again and again, until the connection ends (then once with
 * an error). */
bool redis_link_subscribe(struct redis_link *l, const char *channel, redis_reply_fn *fn, void *arg);

#endif
