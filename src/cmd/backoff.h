/* SPDX-License-Identifier: MIT */
/* How long to wait before a child process is started again: 100 ms, doubling to 5 s, from the start again
 * after a life of 10 s. */
#ifndef CMD_BACKOFF_H
#define CMD_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS	 5000
#define BACKOFF_RESET_MS 10000

struct backoff {
	int64_t last_ms; /* the last wait; 0: none yet */
};

/* The wait in milliseconds after a child that lived `lived_ms`. */
int64_t backoff_next(struct backoff *b, int64_t lived_ms);

#endif
