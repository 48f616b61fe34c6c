/* SPDX-License-Identifier: MIT */
/*
 * Network namespaces that outlive their slot. Making one and taking it down costs more than all the rest of a
 * slot, and few programs use the network at all. So a namespace is used again, but only when its slot is dead
 * and it looks exactly as a fresh one does: no socket, and not one packet, connection, error, flow label or
 * group membership ever counted in it. Any other is dropped (docs/decisions/0012-network-namespaces.md).
 */
#ifndef SANDBOX_NETNS_H
#define SANDBOX_NETNS_H

#include <stdbool.h>

#include "base/err.h"

/* In the calling process: a new network namespace that holds a loopback interface which is up. */
int netns_new(struct err *e);

/* Whether the descriptor is a network namespace. */
bool netns_is_one(int fd);

/*
 * What a fresh one looks like, noted once per process, which gets a network namespace of its own thereby.
 * Without it, on a host that does not let us see, none is ever found untouched.
 */
struct netns_audit;
struct netns_audit *netns_audit_new(void); /* NULL: not here */

/* Enters the namespace, whose slot must be dead, looks, and leaves it again. `a` may be NULL. */
bool netns_is_untouched(struct netns_audit *a, int fd);

#endif
