/* SPDX-License-Identifier: MIT */
#include "sandbox/quiet.h"

int64_t quiet_until(struct quiet *q, bool running, int64_t now)
{
	if (running && !q->was_running && now - q->idle_since >= QUIET_GAP_NS)
		q->until = now + QUIET_MOST_NS;
	if (!running && q->was_running) {
		q->idle_since = now;
		q->until = now;
	}
	q->was_running = running;
	return q->until;
}
