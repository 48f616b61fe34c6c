/* SPDX-License-Identifier: MIT */
/*
 * Closing what the engine sent. The last close(2) of a socket may wait for its peer, that of a file for its
 * file system, that of a memfd until gigabytes are freed; and what came with a message is known only when it
 * is open. So a process that shares the spawner's descriptors, and nothing else, closes them beside its loop.
 */
#ifndef SANDBOX_CLOSER_H
#define SANDBOX_CLOSER_H

#include <stdbool.h>

#include "base/err.h"

struct sock_fprog;

/* Starts it, under `filter`, or a new one when it has ended; fdmsg_close and what uses it goes through it
 * from then on. Returns its pidfd, or -1 with the reason. */
int closer_start(const struct sock_fprog *filter, struct err *e);

/* So many descriptors wait to be closed that whoever sent them is not to be listened to any more. */
bool closer_is_stuck(void);

/* In a process that was forked from one with a closer, and has its own table: closes for itself again. */
void closer_leave(void);

#endif
