/* SPDX-License-Identifier: MIT */
#include "sandbox/outbox.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int outbox_init(struct outbox *o, int sock, size_t size, struct err *e)
{
	memset(o, 0, sizeof(*o));
	o->ring = calloc(size, sizeof(*o->ring));
	if (!o->ring)
		return err_set(e, ERR_LIMIT, 0, "no memory for %zu messages", size);
	o->sock = sock;
	o->size = size;
	return 0;
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
}

void outbox_done(struct outbox *o)
{
	for (; o->count > 0; o->count--, o->first = (o->first + 1) % o->size)
		close_all(o->ring[o->first].fds, o->ring[o->first].n_fds);
	free(o->ring);
	o->ring = NULL;
}

/* False when the message has to wait. */
static bool send_now(struct outbox *o, const void *message, const int *fds, size_t n_fds)
{
	const struct wire_head *head = message;

	if (wire_send(o->sock, message, head->size, fds, n_fds) == 0)
		return true;
	/* Too many of our descriptors are in flight to an engine that does not receive: wait as well. */
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ETOOMANYREFS)
		return false;
	o->broken = true;
	return true;
}

void outbox_put(struct outbox *o, const void *message, const int *fds, size_t n_fds)
{
	const struct wire_head *head = message;
	struct outbox_entry *entry;

	assert(head->size <= sizeof(entry->done) && n_fds <= 2);
	if (o->broken || (o->count == 0 && send_now(o, message, fds, n_fds))) {
		close_all(fds, n_fds);
		return;
	}
	if (o->count == o->size) {
		o->broken = true;
		close_all(fds, n_fds);
		return;
	}
	entry = &o->ring[(o->first + o->count++) % o->size];
	memcpy(&entry->head, message, head->size);
	if (n_fds > 0)
		memcpy(entry->fds, fds, n_fds * sizeof(*fds));
	entry->n_fds = n_fds;
}

void outbox_flush(struct outbox *o)
{
	while (o->count > 0 && !o->broken) {
		struct outbox_entry *entry = &o->ring[o->first];

		if (!send_now(o, &entry->head, entry->fds, entry->n_fds))
			return;
		close_all(entry->fds, entry->n_fds);
		o->first = (o->first + 1) % o->size;
		o->count--;
	}
}
