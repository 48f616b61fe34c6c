/* SPDX-License-Identifier: MIT */
/* What is known of a worker of the queue, for people who look after them. */
#ifndef QUEUE_WORKERS_H
#define QUEUE_WORKERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct queue_worker {
	const char *id;
	const char *host, *version; /* "" when a worker of another version does not say */
	bool alive;		    /* heard of in the last 15 s; others are kept for 10 minutes */
	bool draining;		    /* takes no more jobs, and ends when it has none left */
	int64_t slots, running;
	int64_t started_ms, seen_ms; /* wall clock; 0: it does not say */
	json_t *languages;	     /* an object: name to version, "" when that is unknown */
};

#endif
