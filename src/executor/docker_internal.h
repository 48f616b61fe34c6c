/* SPDX-License-Identifier: MIT */
/*
 * The parts of the Docker executor: docker.c keeps the Engine, the runs and the spare containers;
 * docker_box.c leads one container from its making to its end; docker_run.c is one run; docker_create.c is
 * what a container is made of.
 */
#ifndef EXECUTOR_DOCKER_INTERNAL_H
#define EXECUTOR_DOCKER_INTERNAL_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/list.h"
#include "box/protocol.h"
#include "executor/docker.h"
#include "executor/docker_http.h"

#define DOCKER_ID_SIZE	 65
#define DOCKER_PATH_SIZE 512
#define DOCKER_LABEL	 "codecrusher.owner"

/* What the Engine fixes when it makes a container: those of one kind can stand in for each other. */
struct docker_kind {
	char *image;
	int64_t memory_bytes, processes, disk_bytes;
};

struct docker {
	struct executor executor; /* first: the two are cast into each other */
	struct event_base *base;
	struct docker_options options;
	bool up;	    /* the Engine answered last time */
	struct err loss;    /* why it does not; its kind is ERR_NONE once that was told */
	char api[16];	    /* "/v1.41" */
	char *owner;	    /* DOCKER_LABEL's value: host, process, start of the process */
	struct event kick;  /* work that must not be done inside a callback of ours */
	struct event retry; /* ask the Engine again */
	unsigned failures;
	struct docker_call *hello; /* version, then the list of leftovers */
	struct list boxes;
	struct list removals;
	struct list runs;
	unsigned n_runs;
	unsigned n_spares;
	unsigned last_number;
	char *missing; /* the image last complained about */
};

struct docker_run;

enum docker_box_state {
	DOCKER_CREATING,
	DOCKER_ATTACHING,
	DOCKER_STARTING, /* until the box in it says that it is ready */
	DOCKER_READY,
	DOCKER_RUNNING,
};

struct docker_box {
	struct list node;
	struct docker *docker;
	enum docker_box_state state;
	struct docker_kind kind;
	char id[DOCKER_ID_SIZE]; /* "" until it is created */
	unsigned number;	 /* decides on its user ids */
	struct docker_call *call;
	struct bufferevent *stream;
	struct evbuffer *plain;	  /* its stdout without the Engine's framing */
	char complaint[160];	  /* its stderr: what the runtime said */
	uint32_t left, left_kind; /* of the Engine's current frame */
	struct event deadline;
	struct docker_run *run; /* NULL: a spare */
};

struct docker_run {
	struct exec_run run; /* first, as above */
	struct list node;
	const struct exec_events *events;
	void *arg;
	struct docker_box *box; /* NULL: it has ended, `report` waits to be told */
	bool sent;		/* the program may run */
	bool cancelled;
	struct box_order order;
	int fds[3]; /* spec, artifacts, stdin; -1 once sent, or when there is none */
	int64_t left[2];
	int artifacts;
	uint64_t artifacts_len;
	struct exec_report report;
};

static inline struct docker *docker_of(struct executor *x)
{
	return (struct docker *)(void *)x;
}

/* ---- docker.c ---- */

void docker_kick(struct docker *d);
/* The Engine did not answer. */
void docker_lost(struct docker *d, const struct err *why);
/* Once in a row for each image. */
void docker_complain(struct docker *d, const char *image, const struct err *why);
/* Removes a container, whatever state it is in. */
void docker_remove(struct docker *d, const char *id);
/* "<api><path>" into storage of DOCKER_PATH_SIZE. */
void docker_path(const struct docker *d, char out[DOCKER_PATH_SIZE], const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- docker_create.c ---- */

/* The JSON that makes a container; the caller frees it. NULL when memory is short. */
char *docker_create_body(const struct docker *d, const struct docker_kind *kind, unsigned number);
uint32_t docker_job_uid(unsigned number);
uint32_t docker_box_uid(unsigned number);

/* ---- docker_box.c ---- */

/* Begins to make one. NULL with the reason. */
struct docker_box *docker_box_new(struct docker *d, const struct docker_kind *kind, struct err *e);
/* Ends it, and what runs in it. Tells nobody. */
void docker_box_free(struct docker_box *b);
/* Gives it its run, which it starts when it is ready. */
void docker_box_take(struct docker_box *b, struct docker_run *run);
/* Ends what runs in it. */
void docker_box_cancel(struct docker_box *b);
bool docker_kind_is(const struct docker_kind *a, const struct docker_kind *b);

/* ---- docker_run.c ---- */

struct docker_run *docker_run_new(struct docker *d, const struct exec_spec *spec,
				  const struct exec_events *events, void *arg, struct err *e);
/* Without telling anyone. */
void docker_run_free(struct docker_run *r);
/* Bytes that the container will hold for it, beside its own memory. */
int64_t docker_run_payload(const struct docker_run *r);
/* Each returns false when the box breaks the protocol. */
bool docker_run_output(struct docker_run *r, enum exec_stream which, const char *data, size_t len);
bool docker_run_artifacts(struct docker_run *r, const char *data, size_t len);
/* The report of a box; `report` is told at the next docker_kick. */
bool docker_run_end(struct docker_run *r, const struct box_end *end);
void docker_run_lost(struct docker_run *r, bool refused, const char *problem);
void docker_run_cancelled(struct docker_run *r);
/* Tells the report. The run is gone. */
void docker_run_tell(struct docker_run *r);

#endif
