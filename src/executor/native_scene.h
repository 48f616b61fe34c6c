/* SPDX-License-Identifier: MIT */
/*
 * For the tests of the native executor: an executor whose spawner is played by the test, on the socket's
 * other end and in the same thread. Failing calls fail the test.
 */
#ifndef EXECUTOR_NATIVE_SCENE_H
#define EXECUTOR_NATIVE_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "executor/native.h"
#include "sandbox/wire.h"

/* The output a run may have, in bytes per stream, where a test asks for nothing else. */
#define CAP 1000

struct scene {
	struct event_base *base;
	struct executor *x;
	int peer; /* the spawner's end; -1: there is none. A test that closes it attaches another one */
	unsigned slots;
	int attached, detached, changed; /* how often it was told */
	char detached_why[320];
};

/* What a run told. */
struct heard {
	struct buf out[2];
	size_t largest;
	int done;
	struct exec_report report;
	struct exec_run *cancel_at_output;
	struct executor *restart; /* start another one from inside `done` */
	enum err_kind restarted;
};

/* They write into the struct heard that is their argument. */
extern const struct exec_events scene_events;

/* ---- scenes ---- */

/* An executor without a spawner. End it with scene_end. */
void scene_begin_detached(struct scene *s);
/* One with a spawner that has said hello and has two slots, both ready. End it with scene_end. */
void scene_begin(struct scene *s);
/* A new spawner, which has said nothing yet. The scene owns its end, s->peer, from now on; a former one is
 * the caller's to close. */
void scene_attach(struct scene *s);
/* Frees all of it; what the runs told stays the caller's. */
void scene_end(struct scene *s);
/* The executor deals with everything that has arrived. */
void scene_turn(struct scene *s);
/* How many runs the executor says it could start. */
unsigned scene_ready(struct scene *s);

/* ---- runs ---- */

/* Empty, with room for what a test prints. Release it with heard_done. */
void heard_init(struct heard *h);
/* Releases the output; a descriptor in the report stays the caller's. */
void heard_done(struct heard *h);

/* A command with limits that differ from each other and no descriptors. It owns nothing, and what it points
 * to lives as long as the program. */
struct exec_spec scene_spec(int64_t cap);
/* Asks for that run, which is the executor's. `h`, initialised, hears of it until it is done. */
struct exec_run *scene_start(struct scene *s, struct heard *h, int64_t cap);
/* Initialises `h` and asks for the run; the spawner has started it. Returns its id and the writing ends of
 * its pipes, which the caller closes. */
uint64_t scene_start_and_hear(struct scene *s, struct heard *h, int64_t cap, int ret_writers[2]);
/* Writes `n` bytes, at most 4 * CAP, as the program would. */
void scene_print(int fd, size_t n);
/* Closes the writing ends: the program is gone. */
void close_both(const int writers[2]);

/* ---- the spawner's side ---- */

/* Sends a message of this type and size, and fills in its head. The descriptors stay the caller's. */
void say(struct scene *s, void *message, uint32_t type, size_t size, uint64_t run, const int *fds,
	 size_t n_fds);
/* HELLO, with 5 for the weaknesses; the scene checks that the 5 is told on. */
void say_hello(struct scene *s, const char *version, unsigned slots);
/* STATE, with one broken slot. */
void say_state(struct scene *s, uint32_t ready, uint32_t busy);
/* STARTED, with new pipes. Returns the writing ends; the caller closes them. */
void say_started(struct scene *s, uint64_t run, int ret_writers[2]);
/* DONE, without artifacts. */
void say_done(struct scene *s, uint64_t run, struct wire_done m);
/* The next message from the executor, which must be there and of this type. The caller closes its
 * descriptors: wire_close_fds. */
struct wire_message hear(struct scene *s, uint32_t type);
/* The next message is a KILL of this run for this reason. */
void hear_kill(struct scene *s, uint64_t run, enum wire_stop why);
/* The executor has sent nothing more. */
void hear_nothing(struct scene *s);

#endif
