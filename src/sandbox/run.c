/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "sandbox/defence.h"
#include "sandbox/fdmsg.h"
#include "sandbox/spawner.h"
#include "sandbox/spec.h"
#include "sandbox/verdict.h"

/* A run that no slot could be built for in this time is given back. */
#define QUEUE_NS (10 * SPAWNER_SECOND)
/* For an interpreter that is being started no run waits longer: where that is so slow, it had better begin
 * itself. */
#define WARM_WAIT_NS (3 * SPAWNER_SECOND)

int run_init(struct spawner *s, struct err *e)
{
	list_init(&s->free_runs);
	list_init(&s->queued_runs);
	s->runs = calloc(s->config->slots, sizeof(*s->runs));
	if (!s->runs)
		return err_set(e, ERR_LIMIT, 0, "no memory for %u runs", s->config->slots);
	for (uint32_t i = 0; i < s->config->slots; i++)
		list_push_back(&s->free_runs, &s->runs[i].link);
	return 0;
}

static struct run *find_run(struct spawner *s, uint64_t id)
{
	for (uint32_t i = 0; i < s->config->slots; i++) {
		if (s->runs[i].state != RUN_FREE && s->runs[i].id == id)
			return &s->runs[i];
	}
	return NULL;
}

static void close_inputs(struct run *run)
{
	for (size_t i = 0; i < run->n_fds; i++)
		fdmsg_close(run->fds[i]);
	run->n_fds = 0;
}

static void free_run(struct spawner *s, struct run *run)
{
	close_inputs(run);
	list_remove(&run->link);
	run->state = RUN_FREE;
	run->slot = NULL;
	list_push_back(&s->free_runs, &run->link);
}

static void refuse(struct spawner *s, uint64_t id, const char *why)
{
	struct wire_refused m = { .head = { .type = WIRE_REFUSED, .size = sizeof(m), .run = id } };

	snprintf(m.reason, sizeof(m.reason), "%s", why);
	outbox_put(&s->outbox, &m, NULL, 0);
}

static bool cut(int64_t *limit, int64_t maximum)
{
	if (*limit <= 0)
		return false;
	if (*limit > maximum && !defence_is_off(DEFENCE_MAXIMA))
		*limit = maximum;
	return true;
}

static bool cut_limits(struct sandbox_limits *l, const struct sandbox_limits *max)
{
	return cut(&l->cpu_ms, max->cpu_ms) && cut(&l->wall_ms, max->wall_ms) &&
	       cut(&l->memory_bytes, max->memory_bytes) && cut(&l->processes, max->processes) &&
	       cut(&l->file_bytes, max->file_bytes) && cut(&l->disk_bytes, max->disk_bytes);
}

/* Only for tests that take a limit away. */
static void loosen(struct sandbox_limits *l)
{
	l->cpu_ms *= defence_is_off(DEFENCE_CPU_LIMIT) ? 4 : 1;
	l->wall_ms *= defence_is_off(DEFENCE_WALL_LIMIT) ? 4 : 1;
	l->memory_bytes *= defence_is_off(DEFENCE_MEMORY_LIMIT) ? 4 : 1;
	l->processes *= defence_is_off(DEFENCE_PIDS_LIMIT) ? 4 : 1;
	l->file_bytes *= defence_is_off(DEFENCE_RLIMIT_FILES) ? 4 : 1;
	l->disk_bytes *= defence_is_off(DEFENCE_BOX_BYTES) ? 4 : 1;
}

/* Why the request cannot be done, or NULL. Cuts its limits. */
static const char *objection(struct spawner *s, struct wire_message *m)
{
	if (list_is_empty(&s->free_runs))
		return "every slot is taken";
	if (find_run(s, m->head.run) && !defence_is_off(DEFENCE_RUN_IDS))
		return "this run id is in use";
	if (m->run.warm > s->config->n_warm)
		return "there is no such warm interpreter";
	if (!cut_limits(&m->run.limits, &s->config->maxima))
		return "every limit must be above 0";
	for (size_t i = 0; i < m->n_fds; i++) {
		if (!spec_is_sealed(m->fds[i]) && !defence_is_off(DEFENCE_SEAL_CHECK))
			return "every descriptor must be a memfd sealed against write, grow and shrink";
	}
	return NULL;
}

static bool cpu_is_counted(const struct spawner *s)
{
	return !(s->weak & SANDBOX_WEAK_CPUACCT);
}

int64_t run_cpu_seconds(const struct spawner *s, const struct sandbox_limits *limits)
{
	int64_t cpu_ms = cpu_is_counted(s) ? s->config->maxima.cpu_ms : limits->cpu_ms;

	return cpu_ms / 1000 + 2;
}

/* The limits that only a process can set for itself are in force when an interpreter has started. */
static bool suits_an_interpreter(const struct spawner *s, const struct sandbox_limits *limits)
{
	return limits->file_bytes == s->config->usual.file_bytes &&
	       (cpu_is_counted(s) || limits->cpu_ms == s->config->usual.cpu_ms);
}

void run_request(struct spawner *s, struct wire_message *m, int64_t now)
{
	const char *why = objection(s, m);
	struct run *run;

	if (why) {
		refuse(s, m->head.run, why);
		wire_close_fds(m);
		return;
	}
	run = list_first(&s->free_runs, struct run, link);
	list_remove(&run->link);
	*run = (struct run){
		.state = RUN_QUEUED,
		.id = m->head.run,
		.flags = m->run.flags,
		.warm = m->run.warm,
		.limits = m->run.limits,
		.n_fds = m->n_fds,
		.queued_at = now,
		.artifacts = -1,
	};
	if (!suits_an_interpreter(s, &run->limits))
		run->warm = 0;
	loosen(&run->limits);
	memcpy(run->fds, m->fds, m->n_fds * sizeof(run->fds[0]));
	m->n_fds = 0;
	list_push_back(&s->queued_runs, &run->link);
	if (run->warm)
		arrivals_note(&s->warm[run->warm - 1].arrivals, now);
	run_dispatch(s, now);
}

/* Ends a run that never had a slot. */
static void give_back(struct spawner *s, struct run *run, enum wire_stop stop, const char *problem)
{
	struct wire_done done = {
		.head = { .type = WIRE_DONE, .size = sizeof(done), .run = run->id },
		.flags = problem ? WIRE_DONE_LOST : 0,
		.stop = stop,
		.exit_code = -1,
	};

	snprintf(done.problem, sizeof(done.problem), "%s", problem ? problem : "");
	outbox_put(&s->outbox, &done, NULL, 0);
	free_run(s, run);
}

static void note_outcome(const struct run *run, const struct verdict_facts *facts, const struct verdict *v,
			 struct wire_done *done)
{
	done->stop = v->stop;
	done->exit_code = v->exit_code;
	done->signal = v->signal;
	done->start_errno = run->start_errno;
	done->cpu_us = facts->cpu_us;
	done->wall_us = facts->wall_us;
	done->memory_bytes = cgroup_box_peak_bytes(&run->slot->groups);
	if (v->lost)
		done->flags |= WIRE_DONE_LOST | WIRE_DONE_STARTED;
	snprintf(done->problem, sizeof(done->problem), "%s", v->lost ? v->problem : run->problem);
}

/* Reports, at once: tearing the slot down is no longer the program's time nor the engine's. */
static void finish(struct spawner *s, struct run *run, int64_t now)
{
	struct pool_slot *slot = run->slot;
	struct cgroup_oom oom = cgroup_box_oom(&slot->groups);
	int64_t end = run->ended && run->ended_at > run->go_at && run->ended_at < now ? run->ended_at : now;
	struct verdict_facts facts = {
		.stop = run->stop,
		.killed = run->killed,
		.ended = run->ended,
		.wait_status = run->wait_status,
		.start_errno = run->start_errno,
		.oom_own = oom.own,
		.oom_killed = oom.killed,
		.cpu_us = cgroup_box_cpu_us(&slot->groups) - run->cpu_base_us,
		.cpu_limit_us = run->limits.cpu_ms * 1000,
		.wall_us = (end - run->go_at) / 1000,
		.wall_limit_us = run->limits.wall_ms * 1000,
	};
	struct verdict v = verdict_decide(&facts);
	struct wire_done done = { .head = { .type = WIRE_DONE, .size = sizeof(done), .run = run->id } };

	note_outcome(run, &facts, &v, &done);
	if (run->artifacts >= 0)
		done.flags |= WIRE_DONE_ARTIFACTS;
	outbox_put(&s->outbox, &done, &run->artifacts, run->artifacts >= 0 ? 1 : 0);
	run->artifacts = -1;
	free_run(s, run);
	pool_end(s, slot, v.lost, now);
}

static void stop_run(struct run *run, enum wire_stop stop, int64_t now)
{
	if (run->killed)
		return;
	run->stop = stop;
	run->killed = true;
	run->kill_deadline = now + SPAWNER_DEATH_NS;
	pool_kill(run->slot);
}

void run_kill(struct spawner *s, const struct wire_kill *kill, int64_t now)
{
	struct run *run = find_run(s, kill->head.run);

	/* It may have ended while the message was on its way. */
	if (!run)
		return;
	if (run->state == RUN_QUEUED)
		give_back(s, run, (enum wire_stop)kill->stop, NULL);
	else
		stop_run(run, (enum wire_stop)kill->stop, now);
}

/* Commands the slot: after this the program runs. */
static int send_go(const struct spawner *s, struct run *run, struct err *e)
{
	struct pool_slot *slot = run->slot;
	struct slot_collect collect = { .max_bytes = run->limits.disk_bytes, .max_files = SPEC_FILES_MAX };
	struct slot_go go = {
		.flags = run->flags,
		.file_bytes = run->limits.file_bytes,
		.cpu_seconds = run_cpu_seconds(s, &run->limits),
	};

	if ((run->flags & WIRE_RUN_COLLECT) &&
	    fdmsg_send(slot->report, &collect, sizeof(collect), run->fds, 1) < 0)
		return err_set(e, ERR_IO, errno, "tell the slot what to collect");
	if (fdmsg_send(slot->go, &go, sizeof(go), run->fds, run->n_fds) < 0)
		return err_set(e, ERR_IO, errno, "start the slot");
	return 0;
}

static int set_limits(struct spawner *s, struct run *run, struct err *e)
{
	struct pool_slot *slot = run->slot;
	const struct cgroup_limits limits = {
		.memory_bytes = run->limits.memory_bytes,
		.processes = run->limits.processes,
	};
	int result = 0;

	if (run->limits.disk_bytes != s->config->usual.disk_bytes)
		result = box_resize(slot->context, run->limits.disk_bytes, e);
	/* Now: the last reference to the slot's tmpfs must not be ours, freeing it takes time. */
	(void)close(slot->context);
	slot->context = -1;
	return result < 0 ? -1 : cgroup_box_limit(&slot->groups, &limits, e);
}

static void announce(struct spawner *s, struct run *run, int64_t waited_ns)
{
	struct pool_slot *slot = run->slot;
	struct wire_started m = { .head = { .type = WIRE_STARTED, .size = sizeof(m), .run = run->id },
				  .slot = slot->index,
				  .flags = slot->warm ? WIRE_STARTED_WARM : 0,
				  .waited_us = waited_ns / 1000 };
	int fds[2] = { slot->stdout_fd, slot->stderr_fd };

	slot->stdout_fd = slot->stderr_fd = -1;
	outbox_put(&s->outbox, &m, fds, 2);
}

/* The limits could not be set. */
static int refuse_limits(struct spawner *s, struct run *run, struct pool_slot *slot, const struct err *e,
			 int64_t now)
{
	run->slot = NULL;
	if (e->kind == ERR_LIMIT && slot->warm) {
		/* The interpreter holds more than the program may have; by itself it might need less. */
		run->warm = 0;
		pool_end(s, slot, false, now);
		return 0;
	}
	if (e->kind == ERR_LIMIT) {
		/* The limit is below what an empty slot needs: no program could have started in it. */
		give_back(s, run, WIRE_STOP_MEMORY, NULL);
		pool_end(s, slot, false, now);
		return 0;
	}
	log_warn(NULL, "slot %u cannot take a run: %s", slot->index, e->msg);
	return -1;
}

/* 0: it runs, is over, or is to be tried in another slot. -1: the slot is of no use, the run is as before. */
static int start(struct spawner *s, struct run *run, struct pool_slot *slot, int64_t now)
{
	struct err e;

	run->slot = slot;
	run->cpu_base_us = 0;
	if (set_limits(s, run, &e) < 0)
		return refuse_limits(s, run, slot, &e, now);
	run->cpu_base_us = cgroup_box_cpu_us(&slot->groups);
	if (send_go(s, run, &e) < 0) {
		run->slot = NULL;
		log_warn(NULL, "slot %u cannot take a run: %s", slot->index, e.msg);
		return -1;
	}
	run->state = RUN_RUNNING;
	run->go_at = now;
	run->wall_deadline = now + run->limits.wall_ms * SPAWNER_MS;
	run->cpu_check = now + verdict_cpu_check_us(run->limits.cpu_ms * 1000, 0, s->cpus) * 1000;
	list_remove(&run->link);
	announce(s, run, now - slot->since);
	pool_take(s, slot, run, now);
	/* What a warm slot was given is kept for the case that its interpreter is not there any more. */
	if (!slot->warm)
		close_inputs(run);
	return 0;
}

/* NULL: it waits. `before`: how many runs in front of it wait for the same interpreter. */
static struct pool_slot *slot_for(struct spawner *s, const struct run *run, uint32_t before, int64_t now)
{
	struct pool_slot *slot = run->warm ? pool_ready(s, run->warm) : NULL;
	bool may_wait = run->warm && now < run->queued_at + WARM_WAIT_NS;

	if (slot || (may_wait && pool_warm_is_coming(s, run->warm, before, now)))
		return slot;
	return pool_ready(s, 0);
}

/* Whether the queue is to be looked at again. */
static bool dispatch_one(struct spawner *s, int64_t now)
{
	uint32_t waiting[SANDBOX_MAX_WARM + 1] = { 0 };
	struct run *run;

	list_for_each (run, &s->queued_runs, struct run, link) {
		struct pool_slot *slot = slot_for(s, run, waiting[run->warm], now);

		if (!slot) {
			waiting[run->warm]++;
			continue;
		}
		if (start(s, run, slot, now) < 0)
			pool_end(s, slot, !slot->warm, now);
		return true;
	}
	return false;
}

void run_dispatch(struct spawner *s, int64_t now)
{
	while (dispatch_one(s, now))
		;
}

/* Whether the memory limit ended the run, looked at before any other limit is blamed. */
static bool memory_ran_out(struct run *run, int64_t now)
{
	if (!cgroup_box_oom(&run->slot->groups).own)
		return false;
	stop_run(run, WIRE_STOP_MEMORY, now);
	return true;
}

void run_on_oom(struct spawner *s, struct run *run, int64_t now)
{
	(void)s;
	if (!run->killed && !defence_is_off(DEFENCE_OOM_KILL))
		(void)memory_ran_out(run, now);
}

static void look_at_clocks(struct spawner *s, struct run *run, int64_t now)
{
	int64_t limit_us = run->limits.cpu_ms * 1000;
	int64_t used_us = cgroup_box_cpu_us(&run->slot->groups) - run->cpu_base_us;

	if (used_us <= limit_us && now < run->wall_deadline) {
		int64_t delay_us = verdict_cpu_check_us(limit_us, used_us, s->cpus);

		/* At the limit exactly: it is passed with the next microsecond. */
		run->cpu_check = now + (delay_us > 0 ? delay_us : 1) * 1000;
		return;
	}
	if (!memory_ran_out(run, now))
		stop_run(run, used_us > limit_us ? WIRE_STOP_CPU : WIRE_STOP_WALL, now);
}

int64_t run_step(struct spawner *s, struct run *run, int64_t now)
{
	if (!run->killed && (now >= run->cpu_check || now >= run->wall_deadline))
		look_at_clocks(s, run, now);
	if (!run->killed)
		return run->cpu_check < run->wall_deadline ? run->cpu_check : run->wall_deadline;
	if (now < run->kill_deadline)
		return run->kill_deadline;
	/* It does not die. The answer is known all the same; the pool sets the slot aside. */
	finish(s, run, now);
	return now;
}

int64_t run_step_queue(struct spawner *s, int64_t now)
{
	struct run *run;

	while ((run = list_first(&s->queued_runs, struct run, link))) {
		if (now < run->queued_at + WARM_WAIT_NS)
			return run->queued_at + WARM_WAIT_NS;
		if (now < run->queued_at + QUEUE_NS)
			return run->queued_at + QUEUE_NS;
		give_back(s, run, WIRE_STOP_NONE, "no slot could be built; the worker's log says why");
	}
	return SPAWNER_NEVER;
}

static void note_end(struct run *run, const struct slot_report *report, int *artifacts)
{
	run->ended = true;
	run->wait_status = report->wait_status;
	run->ended_at = report->ended_mono_ns;
	if (report->step[0] && !run->problem[0])
		snprintf(run->problem, sizeof(run->problem), "%s", report->step);
	if (*artifacts >= 0 && spec_is_sealed(*artifacts)) {
		run->artifacts = *artifacts;
		*artifacts = -1;
	}
}

/* Its warm interpreter was killed before it read the program: it starts anew, in a plain slot. */
static void start_cold(struct spawner *s, struct run *run, int64_t now)
{
	struct pool_slot *slot = run->slot;

	run->state = RUN_QUEUED;
	run->queued_at = now;
	run->warm = 0;
	run->slot = NULL;
	/* Init may have met the dead interpreter and said that it cannot start it. */
	run->start_errno = 0;
	run->problem[0] = '\0';
	list_push_front(&s->queued_runs, &run->link);
	pool_end(s, slot, false, now);
}

void run_on_report(struct spawner *s, struct run *run, const struct slot_report *report, int artifacts,
		   int64_t now)
{
	switch ((enum slot_report_type)report->type) {
	case SLOT_EXEC_FAILED:
		run->start_errno = report->error ? report->error : EIO;
		snprintf(run->problem, sizeof(run->problem), "%s", report->step);
		break;
	case SLOT_ENDED:
		note_end(run, report, &artifacts);
		break;
	case SLOT_BROKEN:
		if (run->slot->warm && !run->killed)
			start_cold(s, run, now);
		else
			pool_kill(run->slot);
		break;
	case SLOT_READY:
	default:
		pool_kill(run->slot);
		break;
	}
	if (artifacts >= 0)
		(void)close(artifacts);
	if (report->type == SLOT_ENDED)
		finish(s, run, now);
}

void run_on_death(struct spawner *s, struct run *run, int64_t now)
{
	/* An exec that failed is all there is to say, with or without the end of an empty slot. */
	if (run->start_errno)
		run->ended = true;
	finish(s, run, now);
}
