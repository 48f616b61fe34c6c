/* SPDX-License-Identifier: MIT */
/* The two halves of the native executor: native.c talks to the spawner, native_run.c keeps one run and reads
 * its output. */
#ifndef EXECUTOR_NATIVE_INTERNAL_H
#define EXECUTOR_NATIVE_INTERNAL_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/list.h"
#include "executor/native.h"
#include "executor/stream.h"
#include "sandbox/wire.h"

#define CHUNK_SIZE 65536

struct native {
	struct executor executor; /* first: the two are cast into each other */
	struct event_base *base;
	struct native_options options;
	int sock; /* -1: no spawner */
	struct event readable;
	struct event writable; /* pending only while `blocked` */
	bool blocked;	       /* the socket was full */
	bool greeted;	       /* HELLO came */
	bool stirred;	       /* capacity may have changed since the listener was told */
	struct list runs;      /* in the order of their start */
	unsigned n_runs;
	uint64_t last_run;
	unsigned slots;
	struct wire_state state; /* the newest one */
	unsigned claimed;	 /* RUNs that `state` does not count yet */
	struct exec_warm warm[SANDBOX_MAX_WARM];
	char weak[SANDBOX_WEAK_TEXT]; /* executor.weak */
	char chunk[CHUNK_SIZE];
};

struct native_run {
	struct exec_run run; /* first, as above */
	struct list node;
	uint64_t id;
	unsigned warm;
	const struct exec_events *events;
	void *arg;
	bool started;
	bool in_warm;	     /* started, in a warm slot */
	enum wire_stop kill; /* NONE: not asked for; the first reason stays */
	bool kill_unsent;
	struct stream streams[2]; /* by enum exec_stream */
	struct event readable[2]; /* initialised once started */
};

static inline struct native *native_of(struct executor *x)
{
	return (struct native *)(void *)x;
}

/* Waits until the socket takes messages again; then sends kills that wait and tells the capacity listener. */
void native_wait_for_room(struct native *n);

/* ---- native_run.c ---- */

/* A run in the list of `n`. NULL when memory is short. */
struct native_run *native_run_new(struct native *n, int64_t output_cap, const struct exec_events *events,
				  void *arg);
void native_run_free(struct native_run *r);
struct native_run *native_run_find(struct native *n, uint64_t id);

/* The program runs; takes over the reading ends of its pipes, also on failure. -1: they are of no use. Of an
 * earlier start nothing is left. */
int native_run_started(struct native_run *r, int stdout_fd, int stderr_fd, struct err *e);
/* Asks the spawner to kill it; only the first reason counts. */
void native_run_kill(struct native_run *r, enum wire_stop why);
/* Sends the kill that found no room. */
void native_run_flush(struct native_run *r);
/* Reads what is left in the pipes once every writer is dead. */
void native_run_drain(struct native_run *r);

/* Each tells the listener and frees the run. */
void native_run_end(struct native_run *r, const struct exec_report *report);
void native_run_lost(struct native_run *r, bool refused, const char *problem);

#endif
