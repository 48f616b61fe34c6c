/* SPDX-License-Identifier: MIT */
/* Drives the real spawner binary as the engine does; for its test and its benchmark. Failing calls end the
 * program with a sentence. */
#ifndef SANDBOX_SPAWNER_RIG_H
#define SANDBOX_SPAWNER_RIG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/config.h"
#include "sandbox/spec.h"
#include "sandbox/wire.h"

#define RIG_OUTPUT 4096

struct rig {
	pid_t pid;
	int sock;
	struct sandbox_config config;
	struct wire_hello hello;
	struct wire_state state; /* the newest */
	uint64_t next_id;
	uint32_t warm; /* of the runs to come: as in struct wire_run */
};

struct rig_result {
	struct wire_done done;
	bool refused;
	bool warm;	 /* it ran in a warm slot */
	unsigned starts; /* 2: the warm one was of no use */
	char reason[200];
	char out[RIG_OUTPUT], err[RIG_OUTPUT]; /* what was written, cut, with a NUL */
	int artifacts;			       /* -1, or the caller's */
};

/* What the tests start from; change it before rig_start. */
void rig_config(struct rig *r, uint32_t slots);
/* Starts CODECRUSHER_SPAWNER (environment), reads HELLO and waits until `ready` slots are ready. */
void rig_start(struct rig *r, uint32_t ready);
/* Closes the connection and waits for the end; returns waitpid's status. */
int rig_stop(struct rig *r);

/* The test has ended that spawner itself. */
void rig_forget(pid_t pid);
/* Ends every spawner that was started and not stopped. */
void rig_abandon_all(void);

/* One run of a spec. Returns its id. `limits` NULL: the maxima. */
uint64_t rig_send(struct rig *r, const struct spec *spec, const struct sandbox_limits *limits);
/* The same for a shell command. */
uint64_t rig_send_sh(struct rig *r, const char *command, const struct sandbox_limits *limits);
void rig_send_message(struct rig *r, const void *message, const int *fds, size_t n_fds);
void rig_kill(struct rig *r, uint64_t id, enum wire_stop stop);
/* Waits for STARTED of the only run, whose output pipes go to *ret_out and *ret_err. */
void rig_wait_started(struct rig *r, int *ret_out, int *ret_err);
/* The next run that ends, whichever it is. With one run at a time its output is collected. */
void rig_wait_done(struct rig *r, struct rig_result *ret);
/* Sends and waits. */
void rig_sh(struct rig *r, const char *command, const struct sandbox_limits *limits, struct rig_result *ret);
/* Waits until the newest state says so. */
void rig_wait_ready(struct rig *r, uint32_t ready);

#endif
