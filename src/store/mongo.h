/* SPDX-License-Identifier: MIT */
/*
 * Submissions and results in MongoDB, or in what speaks its protocol: for many servers and workers at once.
 *
 * The driver costs memory and start-up time that an embedded server must not pay for, so what talks to it is
 * a library of its own, libcodecrusher-mongo.so, that is loaded here when it is asked for.
 *
 * Calls about one job that do not wait for each other may be carried out in any order: a few threads do the
 * work. Every write is acknowledged by a majority and from the journal. While no server can be reached,
 * `finish` and `reject` are kept and tried again, with a growing pause, until they are durable; everything
 * else fails with ERR_BUSY, at once when that is known, else after up to twice `timeout_ms`. The connection
 * comes back by itself.
 *
 * A `create` that failed may have made its row, or still be on its way: who tells a client that there is no
 * job calls `reject`, which also holds against a row that comes later.
 *
 * A result does not apply to a row whose created_ms is newer than its own: that row is of another job under
 * the same id.
 */
#ifndef STORE_MONGO_H
#define STORE_MONGO_H

#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

struct event_base;

struct store_mongo_options {
	/* Where libcodecrusher-mongo.so is. */
	const char *plugin;
	/* The same, opened by somebody who may enter its directories; borrowed. 0: nobody has. */
	int plugin_fd;
	/* mongodb:// or mongodb+srv://, with user, password, database (none: codecrusher) and options. */
	const char *url;
	int threads;	    /* and connections; 0: 4 */
	int64_t timeout_ms; /* for finding a server, and for one answer; 0: 5000 */
	int max_pending;    /* calls that wait, but finish and reject; more get ERR_BUSY. 0: 10000 */
	/* Told when the server is lost (`e` says why) and when it is back, or there at all (NULL). `about` is
	 * the server in words ("MongoDB 7.0.5"), "" while not known. For the log; may be NULL. */
	void (*change)(const struct err *e, const char *about, void *arg);
	void *arg;
};

/*
 * Loads the library, checks the URL, and starts the threads. Connecting, and making the indexes, goes on
 * behind it, and calls wait for that. NULL with ERR_UNSUPPORTED when the library or what it needs is not
 * there, ERR_INVALID when the URL is wrong (the message never has the password).
 *
 * All options are copied. The ops' `stop` takes as long as the server needs for what waits, or at most two
 * timeouts.
 */
struct store *store_mongo_open(struct event_base *base, const struct store_mongo_options *options,
			       struct err *e);

#endif
