/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "sandbox/fdmsg.h"
#include "sandbox/netns.h"
#include "sandbox/spawner.h"

/* Slots under construction at once: enough to keep the builder and a second CPU busy, few enough that the
 * programs that run feel little of it. */
#define MAX_BUILDING 4u

#define BUILD_NS     (10 * SPAWNER_SECOND)
#define RETRY_NS     (5 * SPAWNER_MS) /* until a request that the builder's socket had no room for */
/* So many failures of a position in a row, with no slot ever built, and the host is to blame. */
#define HOPELESS       4u

#define BACKOFF_NS     (100 * SPAWNER_MS)
#define MAX_BACKOFF_NS (5 * SPAWNER_SECOND)

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static bool is_held(enum pool_state state)
{
	return state == POOL_MAKING || state == POOL_BUILDING || state == POOL_READY;
}

static void set_state(struct spawner *s, struct pool_slot *slot, enum pool_state state, int64_t deadline,
		      int64_t now)
{
	if (slot->warm) {
		s->warm[slot->warm - 1].held -= is_held(slot->state);
		s->warm[slot->warm - 1].held += is_held(state);
	}
	if (slot->state == POOL_MAKING || slot->state == POOL_BUILDING) {
		s->building--;
		s->warming -= slot->warm > 0;
	}
	if (state == POOL_MAKING || state == POOL_BUILDING) {
		s->building++;
		s->warming += slot->warm > 0;
	}
	slot->state = state;
	slot->deadline = deadline;
	slot->since = now;
}

/* The plain ones come first, and so are built first. */
static void assign_positions(struct spawner *s)
{
	uint32_t at = sandbox_plain_positions(s->config->slots);

	for (uint32_t w = 0; w < s->config->n_warm; w++) {
		for (uint32_t i = 0; i < s->config->warm[w].slots; i++)
			s->slots[at++].warm = w + 1;
	}
}

int pool_init(struct spawner *s, struct err *e)
{
	s->n_slots = sandbox_plain_positions(s->config->slots);
	for (uint32_t w = 0; w < s->config->n_warm; w++)
		s->n_slots += s->config->warm[w].slots;
	s->slots = calloc(s->n_slots, sizeof(*s->slots));
	s->netns = calloc(s->n_slots, sizeof(*s->netns));
	if (!s->slots || !s->netns)
		return err_set(e, ERR_LIMIT, 0, "no memory for %u slots", s->n_slots);
	for (uint32_t i = 0; i < s->n_slots; i++) {
		struct pool_slot *slot = &s->slots[i];

		slot->index = i;
		cgroup_box_clear(&slot->groups);
		slot->pidfd = slot->report = slot->go = slot->netns = slot->context = -1;
		slot->stdout_fd = slot->stderr_fd = -1;
	}
	assign_positions(s);
	return 0;
}

struct pool_slot *pool_ready(struct spawner *s, uint32_t warm)
{
	for (uint32_t i = 0; i < s->n_slots; i++) {
		if (s->slots[i].state == POOL_READY && s->slots[i].warm == warm)
			return &s->slots[i];
	}
	return NULL;
}

/* Of warm slots only what is busy counts: they come on top, and no run may rely on one. */
struct wire_state pool_count(const struct spawner *s)
{
	struct wire_state c = { .head = { .type = WIRE_STATE, .size = sizeof(c) } };

	for (uint32_t i = 0; i < s->n_slots; i++) {
		const struct pool_slot *slot = &s->slots[i];

		if (slot->state == POOL_BUSY)
			c.busy++;
		else if (slot->warm)
			continue;
		else if (slot->state == POOL_READY)
			c.ready++;
		else if (slot->quarantined || slot->failures > 0)
			c.broken++;
		else
			c.building++;
	}
	return c;
}

void pool_kill(const struct pool_slot *slot)
{
	/* The death of init is the death of its pid namespace; on v2 the group dies at once as well. */
	(void)cgroup_box_kill(&slot->groups);
	if (slot->pidfd >= 0)
		(void)pidfd_send_signal(slot->pidfd, SIGKILL, NULL, 0);
}

/* Everything but the pidfd, which tells of the death, and the groups. */
static void close_channels(struct pool_slot *slot)
{
	close_fd(&slot->report);
	close_fd(&slot->go);
	close_fd(&slot->context);
	close_fd(&slot->stdout_fd);
	close_fd(&slot->stderr_fd);
}

static void start_sweep(struct spawner *s, struct pool_slot *slot, int64_t now)
{
	close_channels(slot);
	close_fd(&slot->pidfd);
	cgroup_box_close(&slot->groups);
	slot->asked = false;
	set_state(s, slot, POOL_SWEEPING, now, now);
}

void pool_take(struct spawner *s, struct pool_slot *slot, struct run *run, int64_t now)
{
	slot->run = run;
	slot->failures = 0;
	set_state(s, slot, POOL_BUSY, SPAWNER_NEVER, now);
}

void pool_end(struct spawner *s, struct pool_slot *slot, bool failed, int64_t now)
{
	assert(slot->state != POOL_EMPTY && slot->state != POOL_ENDING && slot->state != POOL_SWEEPING);
	if (failed)
		slot->failures++;
	slot->run = NULL;
	if (slot->pidfd < 0) {
		start_sweep(s, slot, now);
		return;
	}
	pool_kill(slot);
	close_channels(slot);
	set_state(s, slot, POOL_ENDING, now + SPAWNER_DEATH_NS, now);
}

/* Logs the first of a row of failures and then ever fewer: a host that cannot build any would fill the log.
 */
static void log_failure(const struct pool_slot *slot, const char *why)
{
	if ((slot->failures & (slot->failures + 1)) == 0)
		log_error(NULL, "slot %u cannot be built (%u failures in a row): %s", slot->index,
			  slot->failures + 1, why);
}

static void fail_with(struct spawner *s, struct pool_slot *slot, int error, const char *why, int64_t now)
{
	if (slot->warm)
		pool_warm_failed(s, slot, error, why, now);
	else
		log_failure(slot, why);
	pool_end(s, slot, !slot->warm, now);
}

static void fail(struct spawner *s, struct pool_slot *slot, const char *why, int64_t now)
{
	fail_with(s, slot, 0, why, now);
}

/* A host that lacks what no probe asked for: an operator is to see a start that is refused, and not a worker
 * that is never ready. What merely takes too long does not count. */
static void give_up_if_hopeless(struct spawner *s, const struct pool_slot *slot, const struct err *why)
{
	if (s->proven || s->hopeless || slot->warm || slot->failures + 1 < HOPELESS)
		return;
	s->hopeless = true;
	s->hopeless_why = *why;
}

static void ask_for_groups(struct spawner *s, struct pool_slot *slot, int64_t now)
{
	slot->serial = s->next_serial++;
	if (builder_ask(&s->builder, BUILDER_MAKE, slot->index, slot->serial, -1))
		set_state(s, slot, POOL_MAKING, SPAWNER_NEVER, now);
	else
		slot->deadline = now + RETRY_NS;
}

static void ask_for_removal(struct spawner *s, struct pool_slot *slot, int64_t now)
{
	slot->asked = builder_ask(&s->builder, BUILDER_REMOVE, slot->index, slot->serial, slot->netns);
	slot->deadline = slot->asked ? SPAWNER_NEVER : now + RETRY_NS;
}

static void quarantine(struct pool_slot *slot, const char *why)
{
	if (!slot->quarantined)
		log_error(NULL, "slot %u is set aside until it is gone: %s", slot->index, why);
	slot->quarantined = true;
}

/* When slots may be built: not beside a run that came alone, unless one is needed, or might be before another
 * is built. */
static int64_t build_from(struct spawner *s, int64_t now)
{
	struct wire_state count = pool_count(s);
	int64_t quiet = quiet_until(&s->quiet, count.busy > 0, now);

	return list_is_empty(&s->queued_runs) && count.ready >= s->config->slots ? quiet : now;
}

static int64_t step_empty(struct spawner *s, struct pool_slot *slot, int64_t now)
{
	int64_t due = slot->warm ? pool_warm_due(s, slot, now) : now;

	if (due < s->build_from)
		due = s->build_from;

	/* Whoever finishes, be it a build or a run, wakes the loop. */
	if (s->building >= MAX_BUILDING)
		return SPAWNER_NEVER;
	if (due > now)
		return due;
	if (now >= slot->deadline)
		ask_for_groups(s, slot, now);
	return slot->deadline;
}

static int64_t step_warm(struct spawner *s, struct pool_slot *slot, int64_t now)
{
	int64_t until = pool_warm_until(s, slot, now);

	if (now >= until)
		pool_end(s, slot, false, now);
	return now >= until ? slot->deadline : until;
}

/* Looked at when it is late for a run as well, which then no longer waits. */
static int64_t step_building(struct spawner *s, struct pool_slot *slot, int64_t now)
{
	int64_t patience = slot->warm ? pool_warm_patience(s, slot) : SPAWNER_NEVER;

	if (now >= slot->deadline)
		fail(s, slot, "it was not ready in time", now);
	return patience > now && patience < slot->deadline ? patience : slot->deadline;
}

static int64_t step_slot(struct spawner *s, struct pool_slot *slot, int64_t now)
{
	switch (slot->state) {
	case POOL_EMPTY:
		return step_empty(s, slot, now);
	case POOL_BUILDING:
		return step_building(s, slot, now);
	case POOL_BUSY:
		return run_step(s, slot->run, now);
	case POOL_ENDING:
		if (now >= slot->deadline) {
			quarantine(slot, "it does not die");
			slot->deadline = SPAWNER_NEVER;
		}
		break;
	case POOL_SWEEPING:
		if (!slot->asked && now >= slot->deadline)
			ask_for_removal(s, slot, now);
		break;
	case POOL_READY:
		return slot->warm ? step_warm(s, slot, now) : SPAWNER_NEVER;
	case POOL_MAKING:
		break;
	}
	return slot->deadline;
}

static void restart_builder(struct spawner *s, int64_t now)
{
	struct err e;

	if (now < s->builder_retry)
		return;
	s->builder_retry = now + BACKOFF_NS;
	if (builder_start(&s->builder, &s->home, &e) < 0) {
		log_error(NULL, "no builder: %s", e.msg);
		return;
	}
	if (spawner_watch(s, s->builder.sock, EPOLLIN, EVENT_BUILDER, 0) < 0)
		builder_stop(&s->builder);
}

int64_t pool_step(struct spawner *s, int64_t now)
{
	int64_t next = SPAWNER_NEVER;

	if (s->builder.sock < 0)
		restart_builder(s, now);
	if (s->builder.sock < 0)
		next = s->builder_retry;
	pool_warm_note_load(s, now);
	s->build_from = build_from(s, now);
	for (uint32_t i = 0; i < s->n_slots; i++) {
		int64_t due = step_slot(s, &s->slots[i], now);

		if (due < next)
			next = due;
	}
	return next;
}

static void on_made(struct spawner *s, struct pool_slot *slot, const struct builder_message *m,
		    const int *dirs, int64_t now)
{
	struct err e;

	if (m->error) {
		err_set(&e, ERR_IO, m->error, "make its control groups");
		give_up_if_hopeless(s, slot, &e);
		fail(s, slot, e.msg, now);
	} else if (pool_build(s, slot, dirs, &e) < 0) {
		give_up_if_hopeless(s, slot, &e);
		fail(s, slot, e.msg, now);
	} else {
		set_state(s, slot, POOL_BUILDING, now + BUILD_NS, now);
	}
}

static int64_t backoff(uint32_t failures)
{
	int64_t delay = BACKOFF_NS << (failures < 7 ? failures - 1 : 6);

	return delay < MAX_BACKOFF_NS ? delay : MAX_BACKOFF_NS;
}

static void on_removed(struct spawner *s, struct pool_slot *slot, const struct builder_message *m,
		       int64_t now)
{
	slot->asked = false;
	if (m->error && now - slot->since >= SPAWNER_DEATH_NS)
		quarantine(slot, "its control groups stay in use");
	if (m->error) {
		slot->deadline = now + (slot->quarantined ? SPAWNER_SECOND : BACKOFF_NS);
		return;
	}
	if (slot->quarantined)
		log_info(NULL, "slot %u is gone at last", slot->index);
	slot->quarantined = false;
	if (m->untouched && slot->netns >= 0 && s->n_netns < s->n_slots)
		s->netns[s->n_netns++] = TAKE_FD(slot->netns);
	close_fd(&slot->netns);
	set_state(s, slot, POOL_EMPTY, slot->failures > 0 ? now + backoff(slot->failures) : now, now);
}

static void lose_builder(struct spawner *s, int64_t now)
{
	log_error(NULL, "the builder is gone; another one is started");
	builder_stop(&s->builder);
	for (uint32_t i = 0; i < s->n_slots; i++) {
		struct pool_slot *slot = &s->slots[i];

		/* What it made last nobody knows, so remove it first: removing nothing is no error. */
		if (slot->state == POOL_MAKING)
			start_sweep(s, slot, now);
		if (slot->state == POOL_SWEEPING) {
			slot->asked = false;
			slot->deadline = now;
		}
	}
}

static void drop_answer(const struct spawner *s, const struct builder_message *m, const int *dirs)
{
	if (m->op != BUILDER_MAKE || m->error)
		return;
	for (size_t i = 0; i < s->home.n_trees; i++)
		(void)close(dirs[i]);
}

void pool_on_builder(struct spawner *s, int64_t now)
{
	int dirs[CGROUP_MAX_TREES];
	struct builder_message m;
	int got;

	if (s->builder.sock < 0)
		return;
	while ((got = builder_answer(&s->builder, s->home.n_trees, &m, dirs)) > 0) {
		struct pool_slot *slot = m.slot < s->n_slots ? &s->slots[m.slot] : NULL;

		if (slot && slot->serial == m.serial && m.op == BUILDER_MAKE && slot->state == POOL_MAKING) {
			on_made(s, slot, &m, dirs, now);
			continue;
		}
		if (slot && slot->serial == m.serial && m.op == BUILDER_REMOVE &&
		    slot->state == POOL_SWEEPING)
			on_removed(s, slot, &m, now);
		drop_answer(s, &m, dirs);
	}
	if (got < 0)
		lose_builder(s, now);
}

/* Takes over `fd`: the network namespace of a new slot, when it made one. */
static void on_building_report(struct spawner *s, struct pool_slot *slot, const struct slot_report *report,
			       int fd, int64_t now)
{
	struct err e;

	if (report->type == SLOT_READY && slot->netns < 0 && fd >= 0 && netns_is_one(fd))
		slot->netns = TAKE_FD(fd);
	close_fd(&fd);
	if (report->type == SLOT_READY && slot->warm) {
		pool_warm_built(s, slot, now);
		set_state(s, slot, POOL_READY, pool_warm_expiry(slot, now), now);
		return;
	}
	if (report->type == SLOT_READY) {
		s->proven = true;
		set_state(s, slot, POOL_READY, SPAWNER_NEVER, now);
		return;
	}
	err_set(&e, ERR_IO, report->error, "%.*s", (int)sizeof(report->step), report->step);
	give_up_if_hopeless(s, slot, &e);
	fail_with(s, slot, report->type == SLOT_EXEC_FAILED ? report->error : 0, e.msg, now);
}

void pool_on_report(struct spawner *s, struct pool_slot *slot, int64_t now)
{
	while (slot->report >= 0) {
		struct slot_report report;
		int artifacts = -1;
		size_t n = 1;
		ssize_t len = fdmsg_receive(slot->report, &report, sizeof(report), &artifacts, &n);

		if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (len != (ssize_t)sizeof(report)) {
			/* Its end; what follows from it follows when init is dead, which is about now. A
			 * report that is none comes from an init that cannot be trusted any more. */
			if (n > 0)
				(void)close(artifacts);
			close_fd(&slot->report);
			pool_kill(slot);
			return;
		}
		report.step[sizeof(report.step) - 1] = '\0';
		if (slot->state == POOL_BUSY) {
			run_on_report(s, slot->run, &report, n > 0 ? artifacts : -1, now);
			continue;
		}
		if (slot->state == POOL_BUILDING) {
			on_building_report(s, slot, &report, n > 0 ? artifacts : -1, now);
			continue;
		}
		if (n > 0)
			(void)close(artifacts);
		if (slot->state == POOL_READY)
			fail(s, slot, "it reported without a run", now);
	}
}

/* An init that ended without having been told to. */
static void fail_of_death(struct spawner *s, struct pool_slot *slot, const siginfo_t *info, int64_t now)
{
	char why[96];

	snprintf(why, sizeof(why), "its init ended %s (%s %d)",
		 slot->state == POOL_BUILDING ? "while it was built" : "while it waited for a run",
		 info->si_code == CLD_EXITED ? "status" : "signal", info->si_status);
	fail(s, slot, why, now);
}

void pool_on_death(struct spawner *s, struct pool_slot *slot, int64_t now)
{
	siginfo_t info = { 0 };

	if (slot->pidfd < 0 || waitid(P_PIDFD, (id_t)slot->pidfd, &info, WEXITED | WNOHANG) < 0 ||
	    info.si_pid == 0)
		return;
	/* The last words come before the death, whatever the order of the two events. */
	pool_on_report(s, slot, now);
	close_fd(&slot->pidfd);
	if (slot->state == POOL_BUSY)
		run_on_death(s, slot->run, now);
	else if (slot->state == POOL_BUILDING || slot->state == POOL_READY)
		fail_of_death(s, slot, &info, now);
	if (slot->state == POOL_ENDING)
		start_sweep(s, slot, now);
}

void pool_shut_down(struct spawner *s)
{
	int64_t end = clock_mono_ns() + SPAWNER_DEATH_NS;

	for (uint32_t i = 0; i < s->n_slots; i++)
		pool_kill(&s->slots[i]);
	for (uint32_t i = 0; i < s->n_slots; i++) {
		struct pollfd p = { .fd = s->slots[i].pidfd, .events = POLLIN };
		int64_t left = (end - clock_mono_ns()) / SPAWNER_MS;

		/* The sweep that follows needs them dead, and reaped: a zombie keeps its control group. */
		if (p.fd >= 0 && poll(&p, 1, left > 0 ? (int)left : 0) > 0)
			(void)waitid(P_PIDFD, (id_t)p.fd, NULL, WEXITED | WNOHANG);
	}
}
