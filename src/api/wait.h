/* SPDX-License-Identifier: MIT */
/*
 * A request about one job, from its arrival to its answer: with a call into the flow on its way, or parked
 * until the job's result is durable, the time is up, or the client leaves.
 *
 * Nothing polls: the flow tells. A watch is set before the job is asked about, so no result falls between.
 */
#ifndef API_WAIT_H
#define API_WAIT_H

#include "api/private.h"

enum wait_kind {
	WAIT_SUBMIT, /* ends with the submit's normal answer */
	WAIT_RESULT, /* ends with Pending */
	WAIT_JOB,    /* ends with what is known of the job then */
	WAIT_REMOVE, /* waits for the flow only */
};

struct wait {
	struct list link; /* in api.waits */
	struct api *api;
	struct http_exchange *x; /* NULL: answered, or the client has left */
	struct flow_watch *watch;
	struct event timer;
	enum wait_kind kind;
	enum output_encoding encoding;
	int64_t until_ms; /* monotonic; 0: does not wait */
	bool calling;	  /* the flow will call back: not to be freed before */
	bool parked;
	char id[JOB_ID_SIZE];
};

/* Takes the exchange over; NULL after it has been answered (memory is short). */
struct wait *wait_new(struct api *a, struct http_exchange *x, enum wait_kind kind, const char *id,
		      const struct query *q);

/* Sets the watch, when it waits. Before the call into the flow. */
void wait_watch(struct wait *w);
/* Asks the flow for the job, then answers or parks. */
void wait_look_up(struct wait *w);
/* Answers now when no time is left, else at the result, the end of the time or never (the client left). */
void wait_park(struct wait *w);

/* Each answers, if nobody has, and ends the wait. */
void wait_answer_text(struct wait *w, int status, const char *json);
void wait_answer_err(struct wait *w, const struct err *e);
void wait_answer_not_found(struct wait *w);

/* The flow has called back: `calling` ends. False when the wait was over already, and now is gone. */
bool wait_called_back(struct wait *w);

/* The drain's deadline: all who are parked get the answer of a wait that has run out. */
void wait_expire_all(struct api *a);

#endif
