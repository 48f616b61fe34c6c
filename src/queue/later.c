/* SPDX-License-Identifier: MIT */
#include "queue/later.h"

#include <event2/event.h>

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)later_run(arg);
}

bool later_queue_init(struct later_queue *q, struct event_base *base)
{
	list_init(&q->calls);
	q->event = event_new(base, -1, 0, on_event, q);
	return q->event != NULL;
}

void later_queue_done(struct later_queue *q)
{
	if (q->event)
		event_free(q->event);
	q->event = NULL;
}

void later_init(struct later *l)
{
	list_init(&l->node);
}

void later_call(struct later_queue *q, struct later *l, later_fn *fn)
{
	if (list_is_linked(&l->node))
		return;
	l->fn = fn;
	if (list_is_empty(&q->calls))
		event_active(q->event, 0, 0);
	list_push_back(&q->calls, &l->node);
}

void later_cancel(struct later *l)
{
	list_remove(&l->node);
}

/* Calls made meanwhile go to the next round, or one that asks again and again would starve the loop. */
bool later_run(struct later_queue *q)
{
	struct list now, *last = q->calls.prev;
	struct later *l;

	if (list_is_empty(&q->calls))
		return false;
	now = q->calls;
	now.next->prev = last->next = &now;
	list_init(&q->calls);
	while ((l = list_first(&now, struct later, node))) {
		list_remove(&l->node);
		l->fn(l);
	}
	return true;
}
