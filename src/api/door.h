/* SPDX-License-Identifier: MIT */
/*
 * The door: who may come in, how often, and whose jobs are whose. With no API_KEYS_FILE everybody may, every
 * job is everybody's, and only the rate of an address has a limit.
 *
 * A client is known by the mark that its jobs' ids carry (base/id.h), so ownership outlives restarts and is
 * the same on all processes of a distributed server. A job without a mark (from a time without keys, or of
 * another producer in Redis) belongs to nobody: only keys with the word `all` see it.
 *
 * Not thread-safe; on the event loop's thread.
 */
#ifndef API_DOOR_H
#define API_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "http/server.h"

struct conf;
struct door;

/* What a route asks of who comes (http_route.access). */
enum access {
	ACCESS_KEY,  /* any key */
	ACCESS_ALL,  /* a key with the word `all` */
	ACCESS_FREE, /* none */
};

/* Until door_read_keys is called nobody is asked for a key. NULL when memory is short. */
struct door *door_new(const struct conf *c);
void door_free(struct door *d); /* NULL is fine */
DEFINE_AUTO(struct door, door_free)

/* Takes the keys of the file, in place of those before, whose clients keep the state of their rates. -1 with
 * a sentence and as it was before. `fd` stays the caller's. *ret_n, which may be NULL: how many there are. */
int door_read_keys(struct door *d, int fd, size_t *ret_n, struct err *e);

/* For http_options.admit; `door` is its arg. *ret_who is the client's mark. */
bool door_admit(const struct http_arrival *in, char ret_who[HTTP_WHO_SIZE], struct http_turn_away *ret_answer,
		void *door);

/* `who`: of an admitted request (http_request.who); `d` may be NULL, where nobody is asked. */
bool door_owns(struct door *d, const char *who, const char *id);
/* How many jobs of `who` may wait at once; 0: any number. */
int64_t door_queue_share(struct door *d, const char *who);
/* A submit came to nothing since the queue has its sender's share. */
void door_count_share(struct door *d);

/* The counts of refused requests, in the text format of Prometheus. */
void door_add_metrics(const struct door *d, struct buf *out);

#endif
