/* SPDX-License-Identifier: MIT */
/*
 * The spawner: one thread, one loop, and what it owns. It never blocks: it makes no control group, attaches
 * nothing to one, unmounts nothing and waits for no process (builder.h says why that matters). Everything it
 * needs while programs run is allocated at the start.
 *
 *   spawner.c     the loop, and the conversation with the engine
 *   pool.c        the life of a slot, pool_build.c its beginning, pool_warm.c when to begin a warm one
 *   run.c         the life of a run
 *   verdict.c     what a run's numbers mean
 *   outbox.c      messages the engine has no room for
 *   builder.c     the process that makes and removes control groups
 *   closer.c      the process that closes what the engine sent
 *
 * Times are nanoseconds of CLOCK_MONOTONIC and are passed in, read once per turn of the loop.
 */
#ifndef SANDBOX_SPAWNER_H
#define SANDBOX_SPAWNER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "sandbox/arrivals.h"
#include "sandbox/builder.h"
#include "sandbox/cgroup.h"
#include "sandbox/config.h"
#include "sandbox/instance.h"
#include "sandbox/outbox.h"
#include "sandbox/quiet.h"
#include "sandbox/slot.h"
#include "sandbox/wire.h"

#define SPAWNER_NEVER  INT64_MAX
#define SPAWNER_MS     INT64_C(1000000)
#define SPAWNER_SECOND INT64_C(1000000000)

/* A killed slot that is still there after this is no longer waited for. */
#define SPAWNER_DEATH_NS  (5 * SPAWNER_SECOND)

#define SPAWNER_MAX_SLOTS 1000u

/* The life of a configuration's warm interpreter. */
struct pool_warm {
	uint32_t held;		  /* slots of it in MAKING, BUILDING and READY */
	int64_t bytes;		  /* what the last one took that was built; 0: not known */
	int64_t build_ns;	  /* how long building one takes, of late */
	struct arrivals arrivals; /* runs that could have one */
	bool off;	   /* cannot be started here: no more tries until the spawner is started anew */
	uint32_t failures; /* builds that failed since one did not */
	int64_t retry;	   /* not before this */
};

/*
 * A position of the pool: a pair of uids, and the slot that has them now.
 *
 *   EMPTY -> MAKING -> BUILDING -> READY -> BUSY -> ENDING -> SWEEPING -> EMPTY
 *
 * From MAKING, BUILDING and READY a failure leads to ENDING (there is a process) or SWEEPING (there is none).
 */
enum pool_state {
	POOL_EMPTY,    /* nothing exists; `deadline` says when to begin */
	POOL_MAKING,   /* the builder was asked for its control groups */
	POOL_BUILDING, /* its init runs and prepares; must report by `deadline` */
	POOL_READY,    /* waits for a run */
	POOL_BUSY,     /* has a run */
	POOL_ENDING,   /* killed; must be dead by `deadline` */
	POOL_SWEEPING, /* dead; the builder removes its control groups */
};

struct run;

struct pool_slot {
	uint32_t index;
	uint32_t warm; /* which interpreter this position holds, counted from 1; 0: a plain one */
	enum pool_state state;
	uint64_t serial;   /* of the slot, never used again */
	bool asked;	   /* SWEEPING: the builder has the request */
	bool quarantined;  /* it did not die in time; ends when it is gone after all */
	uint32_t failures; /* builds that failed since it had a run */
	int64_t deadline;
	int64_t since; /* when this state began */

	struct cgroup_box groups;
	int pidfd, report, go;
	int netns;		  /* its network namespace; -1 until it is known */
	int context;		  /* of its tmpfs, until the run begins */
	int stdout_fd, stderr_fd; /* read ends, until the engine has them */
	struct run *run;
};

enum run_state { RUN_FREE, RUN_QUEUED, RUN_RUNNING };

#define RUN_MAX_FDS 3 /* spec, stdin, artifacts */

struct run {
	enum run_state state;
	struct list link; /* in free_runs or queued_runs */
	uint64_t id;
	uint32_t flags; /* enum wire_run_flags */
	uint32_t warm;	/* as in struct wire_run */
	struct sandbox_limits limits;
	int fds[RUN_MAX_FDS];
	size_t n_fds;
	int64_t queued_at;

	struct pool_slot *slot;
	int64_t go_at, wall_deadline, cpu_check, kill_deadline;
	int64_t cpu_base_us;
	enum wire_stop stop;
	bool killed;

	/* From the reports of the slot's init. */
	bool ended;
	int wait_status;
	int64_t ended_at;
	int start_errno;
	int artifacts;
	char problem[sizeof(((struct wire_done *)0)->problem)];
};

struct spawner {
	const struct sandbox_config *config;
	uint32_t weak;
	uint32_t cpus;
	struct cgroup_layout layout;
	struct cgroup_home home;
	struct instance instance;
	struct sock_fprog job_filter, init_filter;

	int epoll;
	int engine;
	bool engine_gone;
	uint32_t engine_events; /* what epoll waits for on it */
	struct outbox outbox;
	struct wire_state sent_state;

	int closer; /* a pidfd */
	struct builder builder;
	int64_t builder_retry;

	struct pool_slot *slots;
	uint32_t n_slots;
	struct quiet quiet;
	int64_t build_from; /* nothing is built before */
	uint32_t building;  /* slots in MAKING and BUILDING */
	uint32_t warming;   /* warm ones among them */
	bool proven;	    /* a slot could be built on this host */
	bool hopeless;	    /* none could, and not for want of time: `hopeless_why` */
	struct err hopeless_why;
	struct pool_warm warm[SANDBOX_MAX_WARM];
	bool crowded;	 /* every slot is taken */
	int64_t calm_at; /* when that will have been over for a while */
	uint64_t next_serial;
	int *netns; /* network namespaces as good as new; never more than there are positions */
	uint32_t n_netns;

	struct run *runs; /* config->slots of them: never more at once */
	struct list free_runs, queued_runs;
};

enum spawner_event { EVENT_ENGINE, EVENT_BUILDER, EVENT_REPORT, EVENT_DEATH, EVENT_OOM, EVENT_CLOSER };

/* Adds a descriptor to the loop. An event may come once more after its slot was rebuilt in the same turn of
 * the loop, so no handler may rely on there being something to read. */
int spawner_watch(struct spawner *s, int fd, uint32_t events, enum spawner_event what, uint32_t index);

/* Everything after the checks of the start: takes the instance, enters the root file system, serves the
 * engine on `engine` until it is gone. Returns the exit status. */
int spawner_run(const struct sandbox_config *config, uint32_t weak, int engine);

/* pool.c */
int pool_init(struct spawner *s, struct err *e);
/* Does what is due and returns when something is due next. */
int64_t pool_step(struct spawner *s, int64_t now);
void pool_on_builder(struct spawner *s, int64_t now);
void pool_on_report(struct spawner *s, struct pool_slot *slot, int64_t now);
void pool_on_death(struct spawner *s, struct pool_slot *slot, int64_t now);
/* A slot that waits for a run, or NULL: plain, or with a warm interpreter (counted from 1). */
struct pool_slot *pool_ready(struct spawner *s, uint32_t warm);
/* The slot, which was READY, runs a program from now on. */
void pool_take(struct spawner *s, struct pool_slot *slot, struct run *run, int64_t now);
/* Kills the slot, whatever its state, and starts its removal. `failed`: it is no good end of a run. */
void pool_end(struct spawner *s, struct pool_slot *slot, bool failed, int64_t now);
void pool_kill(const struct pool_slot *slot);
struct wire_state pool_count(const struct spawner *s);
/* At the end: kills all slots and waits until they are dead, bounded. */
void pool_shut_down(struct spawner *s);

/* pool_warm.c */
/* Once per turn of the loop, before pool_warm_due. */
void pool_warm_note_load(struct spawner *s, int64_t now);
/* When this warm slot may be built, not after `now` if at once; SPAWNER_NEVER: when something has happened
 * that wakes the loop. It has no right to anything a run or a plain slot could use. */
int64_t pool_warm_due(struct spawner *s, const struct pool_slot *slot, int64_t now);
/* Whether the interpreter (counted from 1) is being started for a run that waits behind `before` others, and
 * will be there sooner than one that the run starts itself. Such a start no longer yields the CPUs. */
bool pool_warm_is_coming(struct spawner *s, uint32_t warm, uint32_t before, int64_t now);
/* A slot in BUILDING: until when it is worth waiting for. */
int64_t pool_warm_patience(const struct spawner *s, const struct pool_slot *slot);
/* When its interpreter will have waited long enough. */
int64_t pool_warm_expiry(const struct pool_slot *slot, int64_t now);
/* The same, looked at anew: at the latest when to ask again. Not after `now`: its time is over. */
int64_t pool_warm_until(const struct spawner *s, const struct pool_slot *slot, int64_t now);
void pool_warm_built(struct spawner *s, const struct pool_slot *slot, int64_t now);
/* `error`: errno when the command could not be executed, else 0. */
void pool_warm_failed(struct spawner *s, const struct pool_slot *slot, int error, const char *why,
		      int64_t now);

/* pool_build.c: makes the slot's init from control groups (taken over, also on failure). */
int pool_build(struct spawner *s, struct pool_slot *slot, const int *dirs, struct err *e);

/* run.c */
int run_init(struct spawner *s, struct err *e);
/* Takes over the message's descriptors. */
void run_request(struct spawner *s, struct wire_message *m, int64_t now);
void run_kill(struct spawner *s, const struct wire_kill *kill, int64_t now);
/* RLIMIT_CPU of a run with these limits. Where CPU time is counted for a slot, it is but a second line behind
 * that, and the same for all, since an interpreter is started before its run's limits are known. */
int64_t run_cpu_seconds(const struct spawner *s, const struct sandbox_limits *limits);
/* Starts queued runs on ready slots. */
void run_dispatch(struct spawner *s, int64_t now);
/* Looks at the run's clocks; returns when to look next. */
int64_t run_step(struct spawner *s, struct run *run, int64_t now);
/* Gives up on runs that waited too long for a slot; returns when to look next. */
int64_t run_step_queue(struct spawner *s, int64_t now);
void run_on_oom(struct spawner *s, struct run *run, int64_t now);
/* A report of its slot; takes over `artifacts` (-1: none). */
void run_on_report(struct spawner *s, struct run *run, const struct slot_report *report, int artifacts,
		   int64_t now);
/* Its slot is dead. */
void run_on_death(struct spawner *s, struct run *run, int64_t now);

#endif
