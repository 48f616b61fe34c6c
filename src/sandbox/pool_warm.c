/* SPDX-License-Identifier: MIT */
/*
 * When warm slots are built and renewed. Starting an interpreter costs what it saves later, so it is done
 * only with time that nobody else wants: not while a run waits or every slot is taken, few at once, and the
 * plain slots first.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "sandbox/spawner.h"

/* Enough to keep up with one client that sends job after job; the builder has room for plain ones besides. */
#define MAX_WARMING 2u

/* An idle interpreter is replaced after this, so that what it has read of the system is never old. */
#define EXPIRY_NS      (60 * SPAWNER_SECOND)
#define SPREAD_NS      (SPAWNER_SECOND)

#define BACKOFF_NS     (200 * SPAWNER_MS)
#define MAX_BACKOFF_NS (60 * SPAWNER_SECOND)

bool pool_warm_may_build(const struct spawner *s, const struct pool_slot *slot, int64_t now)
{
	const struct pool_warm *warm = &s->warm[slot->warm - 1];

	if (warm->off || now < warm->retry || s->warming >= MAX_WARMING)
		return false;
	return list_is_empty(&s->queued_runs) && !list_is_empty(&s->free_runs);
}

int64_t pool_warm_expiry(const struct pool_slot *slot, int64_t now)
{
	/* Not all of them in the same second. */
	return now + EXPIRY_NS + slot->index % 16 * SPREAD_NS;
}

void pool_warm_built(struct spawner *s, const struct pool_slot *slot)
{
	s->warm[slot->warm - 1].failures = 0;
}

void pool_warm_failed(struct spawner *s, const struct pool_slot *slot, int error, const char *why,
		      int64_t now)
{
	struct pool_warm *warm = &s->warm[slot->warm - 1];
	const char *name = s->config->warm[slot->warm - 1].text;
	int64_t delay;

	if (warm->off)
		return;
	if (error == ENOENT || error == EACCES || error == ENOEXEC) {
		warm->off = true;
		log_info(NULL, "%s is not kept warm: it cannot be started (%s)", name, strerror(error));
		return;
	}
	if (warm->failures == 0)
		log_warn(NULL, "%s could not be kept warm; programs start cold meanwhile: %s", name, why);
	delay = BACKOFF_NS << (warm->failures < 9 ? warm->failures : 9);
	warm->retry = now + (delay < MAX_BACKOFF_NS ? delay : MAX_BACKOFF_NS);
	warm->failures++;
}
