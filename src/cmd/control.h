/* SPDX-License-Identifier: MIT */
/* The one-way line from monitor to engine: each message is one byte, which says what comes, and one
 * descriptor. The monitor never reads from it: the engine is not to be trusted. */
#ifndef CMD_CONTROL_H
#define CMD_CONTROL_H

#include "base/err.h"

enum control_kind {
	CONTROL_SPAWNER = 's', /* the engine's end of the socket to a new spawner */
	CONTROL_KEYS = 'k',    /* API_KEYS_FILE, opened anew */
};

/* Never blocks. `fd` stays the caller's. 0, or -1 (ERR_BUSY: the engine does not read). */
int control_send(int control, enum control_kind kind, int fd, struct err *e);

/* The next descriptor, close-on-exec; -1 when there is none: ERR_BUSY for now, ERR_IO for ever. */
int control_receive(int control, enum control_kind *ret_kind, struct err *e);

#endif
