/* SPDX-License-Identifier: MIT */
/*
 * What a worker asks of anything that can run a program: one command in one fresh container, its output
 * streamed as it comes, a report at the end. The native executor talks to the spawner; a Docker one talks to
 * the Engine.
 *
 * On the event loop's thread. Callbacks never run inside executor_start.
 */
#ifndef EXECUTOR_EXECUTOR_H
#define EXECUTOR_EXECUTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "job/job.h"

struct executor;
struct exec_run;

struct exec_file {
	const char *name;
	const char *data;
	size_t len;
};

/* Everything is borrowed until executor_start returns. */
struct exec_spec {
	const char *job;   /* job id, for logs; may be NULL */
	const char *image; /* what the container is made of, where that is a choice; NULL: unknown */
	const char *const
		*argv; /* NULL-terminated; argv[0] is searched in the container's PATH when it has no '/' */
	const char *const *env; /* NULL-terminated "NAME=value", added to the container's own */
	const struct exec_file *files;
	size_t n_files;
	int artifacts_fd; /* file set of an earlier report, unpacked as well; -1: none */
	int stdin_fd;	  /* a sealed memfd (executor_memfd), read from its start; -1: empty */
	struct limits limits;
	unsigned warm; /* the interpreter that may have been started for just this argv and env, counted from
			  1; 0: none. Only a hint: without one that waits the run starts cold */
	const char *const
		*collect; /* NULL-terminated patterns of files to hand back in artifacts_fd; NULL: none */
};

enum exec_stream { EXEC_STDOUT, EXEC_STDERR };

/* Why a program was ended, or that it ended by itself. The first that fired; ties in this order. */
enum exec_stop {
	EXEC_STOP_NONE,
	EXEC_STOP_CANCELLED,
	EXEC_STOP_MEMORY,
	EXEC_STOP_OUTPUT,
	EXEC_STOP_CPU,
	EXEC_STOP_WALL
};

struct exec_report {
	/* The container was lost or never started (the spawner died, a slot broke): nothing below counts, the
	 * program is not to blame, `problem` says why. `started`: the program may have run before that. */
	bool lost;
	bool started;
	bool refused; /* with lost: the executor declined this very run, so asking again may meet the same */
	char problem[200];

	enum exec_stop stop;
	int start_errno;   /* not 0: the command could not be executed (ENOENT: no such program in the
			      container) */
	int exit_code;	   /* -1 when signalled or killed */
	int signal;	   /* 0 when exited */
	bool truncated[2]; /* by enum exec_stream */
	int64_t cpu_us;
	int64_t wall_us;
	int64_t memory_bytes;
	int artifacts_fd; /* a sealed memfd with the collected file set, which the receiver closes; -1:
			     nothing was collected, and `problem` says why if it should have been */
};

struct exec_events {
	/* At most limits.output_bytes per stream in total; the cap is kept by the executor, which stops the
	 * program when it is passed. */
	void (*output)(enum exec_stream stream, const char *data, size_t len, void *arg);
	/* The last event; the run is gone after it. */
	void (*done)(const struct exec_report *report, void *arg);
};

/* How many runs it holds at once, and how many it could start without waiting. */
struct exec_capacity {
	unsigned slots;
	unsigned ready;
	unsigned busy;
	unsigned broken; /* quarantined */
};

/* What became of runs with a `warm`. */
struct exec_warm {
	int64_t hits;	   /* an interpreter waited */
	int64_t misses;	   /* none did */
	int64_t waited_us; /* how long those of the hits had waited, in sum */
};

struct executor_ops {
	struct exec_run *(*start)(struct executor *x, const struct exec_spec *spec,
				  const struct exec_events *events, void *arg, struct err *e);
	void (*cancel)(struct exec_run *run);
	void (*capacity)(struct executor *x, struct exec_capacity *ret);
	void (*warm)(struct executor *x, unsigned warm, struct exec_warm *ret); /* NULL: it has none */
	void (*free)(struct executor *x);
};

/* Every run begins with this. */
struct exec_run {
	struct executor *executor;
};

typedef void exec_capacity_fn(void *arg);

/* Every executor begins with this. */
struct executor {
	const struct executor_ops *ops;
	const char *weak; /* in what its containers are weaker than they could be: names, with commas; "" or
			     NULL: in nothing */
	exec_capacity_fn *capacity_changed; /* set by executor_on_capacity; NULL: nobody listens */
	void *capacity_arg;
};

/* Starts a command; NULL with the reason when it cannot be asked for at all (then no event comes). ERR_BUSY:
 * all slots are taken. */
struct exec_run *executor_start(struct executor *x, const struct exec_spec *spec,
				const struct exec_events *events, void *arg, struct err *e);
/* Kills the program; `done` comes with EXEC_STOP_CANCELLED, unless it had ended or another limit fired
 * before. */
void executor_cancel(struct exec_run *run);
void executor_capacity(struct executor *x, struct exec_capacity *ret);
/* Counts since the start, of one interpreter. */
void executor_warm(struct executor *x, unsigned warm, struct exec_warm *ret);
/* `fn` is called when the capacity has changed: a start that met ERR_BUSY may succeed now. Never inside
 * another call. One listener; NULL ends the listening. */
void executor_on_capacity(struct executor *x, exec_capacity_fn *fn, void *arg);
void executor_free(
	struct executor *x); /* NULL is fine; runs in flight are killed, their events do not come */

/* A sealed memfd with the bytes, for exec_spec.stdin_fd. -1 with errno. The caller closes it. */
int executor_memfd(const void *data, size_t len);

#endif
