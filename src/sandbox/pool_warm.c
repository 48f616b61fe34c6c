/* SPDX-License-Identifier: MIT */
/*
 * When warm slots are built and renewed. Starting an interpreter costs what it saves later, so it is done
 * only with time that nobody else wants: not while a run waits or every slot is taken, few at once, and the
 * plain slots first. How many of which interpreter wait depends on how often runs come that can use one.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "sandbox/spawner.h"

/* Enough to keep up with one client that sends job after job; the builder has room for plain ones besides. */
#define MAX_WARMING 2u

/* All slots were taken until then: whoever had one is likely to send the next job. */
#define UNCROWDED_NS (10 * SPAWNER_MS)

/* An idle interpreter is replaced after this, so that what it has read of the system is never old. */
#define EXPIRY_NS (60 * SPAWNER_SECOND)
#define SPREAD_NS (SPAWNER_SECOND)

/* One more than are needed waits this long for the need to come back: starting it was dear. */
#define SURPLUS_NS (5 * SPAWNER_SECOND)

/* Until one has been built. */
#define BUILD_NS       (100 * SPAWNER_MS)
#define UNKNOWN_BYTES  ((int64_t)16 << 20)

#define MAX_BUILD_NS   (10 * SPAWNER_SECOND)

#define BACKOFF_NS     (200 * SPAWNER_MS)
#define MAX_BACKOFF_NS (60 * SPAWNER_SECOND)

static int64_t memory_of(const struct pool_warm *warm)
{
	return warm->bytes > 0 ? warm->bytes : UNKNOWN_BYTES;
}

static bool memory_is_left(const struct spawner *s, const struct pool_warm *one_more)
{
	int64_t left = s->config->warm_memory_bytes - memory_of(one_more);

	if (s->config->warm_memory_bytes <= 0)
		return true;
	for (uint32_t w = 0; w < s->config->n_warm; w++)
		left -= s->warm[w].held * memory_of(&s->warm[w]);
	return left >= 0;
}

/* Those that always wait, and as many as may be taken while one is built. Twice that, because what comes at
 * a steady rate on average comes in bursts. */
static uint32_t wanted(const struct spawner *s, uint32_t w, int64_t now)
{
	const struct pool_warm *warm = &s->warm[w];
	const struct sandbox_warm *config = &s->config->warm[w];
	uint32_t more =
		arrivals_within(&warm->arrivals, 2 * (warm->build_ns ? warm->build_ns : BUILD_NS), now);

	return more < config->slots - config->keep ? config->keep + more : config->slots;
}

void pool_warm_note_load(struct spawner *s, int64_t now)
{
	if (list_is_empty(&s->free_runs)) {
		s->crowded = true;
	} else if (s->crowded) {
		s->crowded = false;
		s->calm_at = now + UNCROWDED_NS;
	}
}

/* What waits though a plain slot is ready waits for a warm one. */
static bool somebody_lacks_a_slot(struct spawner *s)
{
	return s->crowded || (!list_is_empty(&s->queued_runs) && !pool_ready(s, 0));
}

int64_t pool_warm_due(struct spawner *s, const struct pool_slot *slot, int64_t now)
{
	const struct pool_warm *warm = &s->warm[slot->warm - 1];
	int64_t due = warm->retry > s->calm_at ? warm->retry : s->calm_at;

	if (warm->off || s->warming >= MAX_WARMING || somebody_lacks_a_slot(s))
		return SPAWNER_NEVER;
	if (warm->held >= wanted(s, slot->warm - 1, now) || !memory_is_left(s, warm))
		return SPAWNER_NEVER;
	return due;
}

int64_t pool_warm_patience(const struct spawner *s, const struct pool_slot *slot)
{
	return slot->since + 2 * s->warm[slot->warm - 1].build_ns;
}

/* The one that will be ready first of those that began after `last` (NULL: of all). */
static struct pool_slot *next_to_come(struct spawner *s, uint32_t warm, const struct pool_slot *last,
				      int64_t now)
{
	struct pool_slot *first = NULL;

	for (uint32_t i = 0; i < s->n_slots; i++) {
		struct pool_slot *slot = &s->slots[i];

		if (slot->warm != warm || slot->state != POOL_BUILDING || now >= pool_warm_patience(s, slot))
			continue;
		if ((!last || slot->since > last->since) && (!first || slot->since < first->since))
			first = slot;
	}
	return first;
}

bool pool_warm_is_coming(struct spawner *s, uint32_t warm, uint32_t before, int64_t now)
{
	struct pool_slot *slot = next_to_come(s, warm, NULL, now);
	struct err e;

	for (; slot && before > 0; before--)
		slot = next_to_come(s, warm, slot, now);
	if (!slot)
		return false;
	if (cgroup_box_hurry(&slot->groups, &e) < 0)
		log_warn(NULL, "slot %u: %s", slot->index, e.msg);
	return true;
}

int64_t pool_warm_expiry(const struct pool_slot *slot, int64_t now)
{
	/* Not all of them in the same second. */
	return now + EXPIRY_NS + slot->index % 16 * SPREAD_NS;
}

int64_t pool_warm_until(const struct spawner *s, const struct pool_slot *slot, int64_t now)
{
	uint32_t w = slot->warm - 1;

	if (s->warm[w].held <= s->config->warm[w].keep)
		return slot->deadline;
	if (now - slot->since >= SURPLUS_NS && s->warm[w].held > wanted(s, w, now))
		return now;
	return slot->deadline < now + SPAWNER_SECOND ? slot->deadline : now + SPAWNER_SECOND;
}

void pool_warm_built(struct spawner *s, const struct pool_slot *slot, int64_t now)
{
	struct pool_warm *warm = &s->warm[slot->warm - 1];
	int64_t took = now - slot->since < MAX_BUILD_NS ? now - slot->since : MAX_BUILD_NS;

	warm->failures = 0;
	warm->build_ns = warm->build_ns ? (3 * warm->build_ns + took) / 4 : took;
	warm->bytes = cgroup_box_peak_bytes(&slot->groups);
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
