/* SPDX-License-Identifier: MIT */
#include "sandbox/spawner.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "sandbox/closer.h"
#include "sandbox/inside.h"
#include "sandbox/seccomp_filter.h"

#define MAX_EVENTS	  64
#define MESSAGES_PER_TURN 16
#define SWEEP_MS	  2000

int spawner_watch(struct spawner *s, int fd, uint32_t events, enum spawner_event what, uint32_t index)
{
	struct epoll_event ev = { .events = events, .data.u64 = (uint64_t)what << 32 | index };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev);
}

/* Room on the socket is waited for only while something wants it; requests are read only while nothing does.
 */
static void watch_engine(struct spawner *s)
{
	uint32_t events = outbox_is_empty(&s->outbox) ? EPOLLIN : EPOLLOUT;
	struct epoll_event ev = { .events = events, .data.u64 = (uint64_t)EVENT_ENGINE << 32 };

	if (events == s->engine_events)
		return;
	if (epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->engine, &ev) < 0)
		s->engine_gone = true;
	s->engine_events = events;
}

static void send_hello(struct spawner *s)
{
	struct wire_hello m = { .head = { .type = WIRE_HELLO, .size = sizeof(m) },
				.slots = s->config->slots,
				.weak = s->weak };

	snprintf(m.version, sizeof(m.version), "%s", CODECRUSHER_VERSION);
	outbox_put(&s->outbox, &m, NULL, 0);
}

/* Changes in between are not told while the engine is behind: only the latest state matters. */
static void send_state(struct spawner *s)
{
	struct wire_state now = pool_count(s);

	if (!outbox_is_empty(&s->outbox) || memcmp(&now, &s->sent_state, sizeof(now)) == 0)
		return;
	s->sent_state = now;
	outbox_put(&s->outbox, &now, NULL, 0);
}

/* False ends the connection. */
static bool take_message(struct spawner *s, struct wire_message *m, int64_t now)
{
	if (m->head.type == WIRE_RUN)
		run_request(s, m, now);
	else if (m->head.type == WIRE_KILL)
		run_kill(s, &m->kill, now);
	else
		wire_close_fds(m);
	return m->head.type == WIRE_RUN || m->head.type == WIRE_KILL;
}

static void on_engine(struct spawner *s, int64_t now)
{
	outbox_flush(&s->outbox);
	for (int i = 0; i < MESSAGES_PER_TURN && outbox_is_empty(&s->outbox) && !s->engine_gone; i++) {
		struct wire_message m;
		struct err e;
		int got = wire_receive(s->engine, &m, &e);

		if (got < 0 && e.kind == ERR_BUSY)
			return;
		if (got < 0)
			log_error(NULL, "the engine sent %s; its connection is ended", e.msg);
		if (got > 0 && !take_message(s, &m, now)) {
			log_error(NULL, "the engine sent a message of type %u; its connection is ended",
				  m.head.type);
			got = -1;
		}
		if (got <= 0)
			s->engine_gone = true;
	}
	if (closer_is_stuck()) {
		log_error(NULL,
			  "the engine sends descriptors that cannot be closed; its connection is ended");
		s->engine_gone = true;
	}
}

static int start_closer(struct spawner *s, struct err *e)
{
	s->closer = closer_start(&s->init_filter, e);
	if (s->closer < 0)
		return -1;
	if (spawner_watch(s, s->closer, EPOLLIN, EVENT_CLOSER, 0) < 0)
		return err_set(e, ERR_IO, errno, "watch the closer");
	return 0;
}

static void replace_closer(struct spawner *s)
{
	siginfo_t info = { 0 };
	struct err e;

	if (waitid(P_PIDFD, (id_t)s->closer, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	log_error(NULL, "the closer is gone; another one is started");
	/* A slot that is being cloned may hold a copy for a moment, so closing it does not end its events. */
	(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->closer, NULL);
	(void)close(s->closer);
	if (start_closer(s, &e) == 0)
		return;
	log_error(NULL, "no closer: %s", e.msg);
	s->engine_gone = true;
}

static void handle(struct spawner *s, uint64_t tag, int64_t now)
{
	struct pool_slot *slot = &s->slots[(uint32_t)tag];

	switch ((enum spawner_event)(tag >> 32)) {
	case EVENT_ENGINE:
		on_engine(s, now);
		break;
	case EVENT_BUILDER:
		pool_on_builder(s, now);
		break;
	case EVENT_REPORT:
		pool_on_report(s, slot, now);
		break;
	case EVENT_DEATH:
		pool_on_death(s, slot, now);
		break;
	case EVENT_CLOSER:
		replace_closer(s);
		break;
	case EVENT_OOM:
		if (slot->state == POOL_BUSY)
			run_on_oom(s, slot->run, now);
		else
			(void)cgroup_box_oom(&slot->groups);
		break;
	}
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Somebody waits for what follows from these. The others lead to building and removing, which takes longer.
 */
static bool is_waited_for(uint64_t tag)
{
	enum spawner_event what = (enum spawner_event)(tag >> 32);

	return what == EVENT_ENGINE || what == EVENT_REPORT;
}

static void wait_for_events(struct spawner *s, int64_t until)
{
	struct epoll_event events[MAX_EVENTS];
	int64_t now = clock_mono_ns();
	int64_t left = until > now ? until - now : 0;
	struct timespec timeout = { .tv_sec = left / SPAWNER_SECOND, .tv_nsec = left % SPAWNER_SECOND };
	int n = epoll_pwait2(s->epoll, events, MAX_EVENTS, until == SPAWNER_NEVER ? NULL : &timeout, NULL);

	now = clock_mono_ns();
	for (int i = 0; i < n; i++) {
		if (is_waited_for(events[i].data.u64))
			handle(s, events[i].data.u64, now);
	}
	run_dispatch(s, now);
	for (int i = 0; i < n; i++) {
		if (!is_waited_for(events[i].data.u64))
			handle(s, events[i].data.u64, now);
	}
}

static void serve(struct spawner *s)
{
	send_hello(s);
	while (!s->engine_gone && !s->outbox.broken && !s->hopeless) {
		int64_t now = clock_mono_ns();
		int64_t next;

		run_dispatch(s, now);
		next = earlier(pool_step(s, now), run_step_queue(s, now));
		send_state(s);
		watch_engine(s);
		wait_for_events(s, next);
	}
}

static int set_up_loop(struct spawner *s, struct err *e)
{
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return err_set(e, ERR_IO, errno, "make an epoll descriptor");
	s->engine_events = EPOLLIN;
	if (spawner_watch(s, s->engine, EPOLLIN, EVENT_ENGINE, 0) < 0)
		return err_set(e, ERR_IO, errno, "watch the engine's socket");
	if (start_closer(s, e) < 0 || pool_init(s, e) < 0 || run_init(s, e) < 0)
		return -1;
	return outbox_init(&s->outbox, s->engine, s->config->slots * 3 + MESSAGES_PER_TURN + 8, e);
}

/*
 * Nobody in our user namespace makes another one below it, in which all capabilities could be had again: not
 * the programs, whose filter forbids it as well, nor anybody who broke out of one.
 */
static int forbid_user_namespaces(struct err *e)
{
	if (cgroup_write(AT_FDCWD, "/proc/sys/user/max_user_namespaces", "0") < 0)
		return err_set(e, ERR_UNSUPPORTED, errno,
			       "forbid user namespaces in slots (write /proc/sys/user/max_user_namespaces)");
	return 0;
}

/*
 * What the kernel counts for a uid of our namespace it counts for the user outside as well, who has as much
 * as one uid of the host. So that no program takes all of it, each gets a share, and the user keeps one.
 */
static int share(const char *what, const char *whole, uint32_t slots, struct err *e)
{
	int64_t all = cgroup_read_number(AT_FDCWD, whole), part = all / (slots + 1);

	if (all < 0)
		return 0; /* the kernel has no such thing */
	if (cgroup_write_number(AT_FDCWD, what, part > 0 ? part : 1) < 0)
		return err_set(e, ERR_UNSUPPORTED, errno, "limit what a program may take (write %s)", what);
	return 0;
}

static int limit_the_namespace(uint32_t slots, struct err *e)
{
	if (forbid_user_namespaces(e) < 0 || share("/proc/sys/user/max_inotify_instances",
						   "/proc/sys/fs/inotify/max_user_instances", slots, e) < 0)
		return -1;
	return share("/proc/sys/user/max_inotify_watches", "/proc/sys/fs/inotify/max_user_watches", slots, e);
}

/* A controller that the host does not let us use, which was accepted, is not asked for. */
static void leave_out_the_weak(struct spawner *s)
{
	_Static_assert(SANDBOX_WEAK_MEMORY == 1 << CGROUP_MEMORY && SANDBOX_WEAK_PIDS == 1 << CGROUP_PIDS &&
			       SANDBOX_WEAK_CPU == 1 << CGROUP_CPU &&
			       SANDBOX_WEAK_CPUACCT == 1 << CGROUP_CPUACCT,
		       "weaknesses are the controllers that lack");

	cgroup_layout_without(&s->layout, s->weak);
}

/* In this order: what needs the host's file system first, then its end. */
static int set_up(struct spawner *s, struct err *e)
{
	char leaf[sizeof(s->config->cgroup_parent) + 8];

	snprintf(leaf, sizeof(leaf), "%s-ctl", s->config->cgroup_parent);
	if (s->config->ids != SANDBOX_IDS_ROOT && limit_the_namespace(s->config->slots, e) < 0)
		return -1;
	if (cgroup_detect(leaf, &s->layout, e) < 0)
		return -1;
	leave_out_the_weak(s);
	if (cgroup_home_open(&s->layout, s->config->cgroup_parent, leaf, &s->home, e) < 0 ||
	    instance_open(s->config, &s->layout, &s->home, &s->instance, e) < 0)
		return -1;
	if (seccomp_job_program(&s->job_filter, e) < 0 || seccomp_init_program(&s->init_filter, e) < 0)
		return -1;
	if (rootfs_enter(s->config, e) < 0)
		return err_wrap(e, "enter the root file system");
	if (restrict_bounding_set(e) < 0)
		return -1;
	return set_up_loop(s, e);
}

static void clean_up(struct spawner *s)
{
	char name[16];

	pool_shut_down(s);
	builder_stop(&s->builder);
	snprintf(name, sizeof(name), "i%u", s->instance.number);
	for (size_t i = 0; i < s->home.n_trees; i++) {
		if (cgroup_sweep(s->home.instance[i], SWEEP_MS))
			(void)unlinkat(s->home.parent[i], name, AT_REMOVEDIR);
	}
}

int spawner_run(const struct sandbox_config *config, uint32_t weak, int engine)
{
	struct spawner *s = calloc(1, sizeof(*s));
	struct err e;

	if (!s)
		return 1;
	s->config = config;
	s->weak = weak;
	s->engine = engine;
	s->builder = (struct builder){ .pid = -1, .sock = -1 };
	/* How many CPUs' worth of time a slot can use up at once; a quota may be used in a burst. */
	s->cpus = (uint32_t)get_nprocs();
	if (set_up(s, &e) < 0) {
		log_error(NULL, "cannot start: %s", e.msg);
		return 78; /* EX_CONFIG of sysexits.h */
	}
	log_info(NULL, "instance %u: %u slots, uids from %u", s->instance.number, config->slots,
		 s->instance.uid_base);
	serve(s);
	clean_up(s);
	if (s->hopeless) {
		log_error(NULL, "cannot start: no slot can be built on this host: %s", s->hopeless_why.msg);
		return 78;
	}
	return 0;
}
