/* SPDX-License-Identifier: MIT */
/* Calls that are made from the event loop instead of from inside the call that causes them. */
#ifndef QUEUE_LATER_H
#define QUEUE_LATER_H

#include <stdbool.h>

#include "base/list.h"

struct event;
struct event_base;

struct later;
typedef void later_fn(struct later *l);

/* Embedded in the object that waits. */
struct later {
	struct list node;
	later_fn *fn;
};

struct later_queue {
	struct list calls;
	struct event *event;
};

/* False when memory is short. */
bool later_queue_init(struct later_queue *q, struct event_base *base);
void later_queue_done(struct later_queue *q);

void later_init(struct later *l);
/* Calls `fn` once, soon. Nothing happens when it is already waiting. */
void later_call(struct later_queue *q, struct later *l, later_fn *fn);
void later_cancel(struct later *l);
/* Makes all calls now. Returns whether there were any. */
bool later_run(struct later_queue *q);

#endif
