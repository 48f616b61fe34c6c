/* SPDX-License-Identifier: MIT */
/*
 * Messages between engine and spawner: fixed structs on a SOCK_SEQPACKET socket, descriptors beside them. One
 * datagram is one message; anything else (size, type, descriptor count) is refused. Both ends come from one
 * build, so the structs travel as they are in memory.
 *
 *   engine                              spawner
 *                              <-  HELLO   once, first: slot count and whether all is in force
 *                              <-  STATE   whenever the counts change
 *   RUN  + spec [stdin] [artifacts] ->     every memfd sealed against write, grow and shrink, else REFUSED
 *                              <-  STARTED + stdout, stderr
 *   KILL ->
 *                              <-  DONE    + artifacts when collected; exactly one for each RUN not REFUSED
 *
 * The spawner never trusts a count: a RUN beyond its slots is REFUSED, limits are cut to its own maxima, a
 * run id that is in use is REFUSED, an unknown one in KILL is ignored. A malformed message ends the
 * connection, and with it every slot.
 */
#ifndef SANDBOX_WIRE_H
#define SANDBOX_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/config.h"

#define WIRE_MAX_FDS  4
#define WIRE_MAX_SIZE 65536

enum wire_type {
	WIRE_RUN = 1,
	WIRE_KILL,
	WIRE_HELLO,
	WIRE_STATE,
	WIRE_STARTED,
	WIRE_DONE,
	WIRE_REFUSED,
};

struct wire_head {
	uint32_t type;
	uint32_t size; /* of the whole message */
	uint64_t run;  /* chosen by the engine, never 0 for RUN */
};

enum wire_run_flags {
	WIRE_RUN_STDIN = 1 << 0,     /* a stdin memfd follows the spec; without it stdin is empty */
	WIRE_RUN_ARTIFACTS = 1 << 1, /* a file set follows */
	WIRE_RUN_COLLECT = 1 << 2,   /* after a clean end, collect what the spec's patterns name */
};

struct wire_run {
	struct wire_head head;
	uint32_t flags;
	uint32_t warm; /* the configuration's warm interpreter that may run it, counted from 1; 0: none */
	struct sandbox_limits limits;
};

/* Why a run was ended; the first that fired. Same order as enum exec_stop, by which ties are decided. */
enum wire_stop {
	WIRE_STOP_NONE,
	WIRE_STOP_CANCELLED,
	WIRE_STOP_MEMORY,
	WIRE_STOP_OUTPUT,
	WIRE_STOP_CPU,
	WIRE_STOP_WALL
};

struct wire_kill {
	struct wire_head head;
	uint32_t stop; /* WIRE_STOP_CANCELLED or WIRE_STOP_OUTPUT */
	uint32_t unused;
};

struct wire_hello {
	struct wire_head head;
	char version[32];
	uint32_t slots;
	uint32_t weak; /* accepted weaknesses that are in effect: enum sandbox_weakness */
};

struct wire_state {
	struct wire_head head;
	uint32_t ready, busy, building, broken;
};

enum wire_started_flags {
	WIRE_STARTED_WARM = 1 << 0, /* in a warm slot */
};

/* Comes once, or twice for a run whose warm interpreter was gone before it read the program: the run begins
 * anew with the second one's pipes, which is not warm. */
struct wire_started {
	struct wire_head head;
	uint32_t slot;
	uint32_t flags;	   /* enum wire_started_flags */
	int64_t waited_us; /* how long the slot had been ready */
};

enum wire_done_flags {
	WIRE_DONE_LOST = 1 << 0,      /* the slot broke; the program is not to blame */
	WIRE_DONE_STARTED = 1 << 1,   /* with LOST: the program may have run */
	WIRE_DONE_ARTIFACTS = 1 << 2, /* a file set comes along */
};

struct wire_done {
	struct wire_head head;
	uint32_t flags;
	uint32_t stop;	     /* enum wire_stop */
	int32_t exit_code;   /* -1: signalled or killed */
	int32_t signal;	     /* 0: exited */
	int32_t start_errno; /* execve's, 0 when it ran */
	uint32_t unused;
	int64_t cpu_us;
	int64_t wall_us;
	int64_t memory_bytes;
	char problem[200]; /* with LOST, or why nothing was collected */
};

struct wire_refused {
	struct wire_head head;
	char reason[200];
};

/* Sends one message with up to WIRE_MAX_FDS descriptors (which stay the caller's). Never blocks. Returns 0,
 * or -1 with errno (EAGAIN: the socket is full). */
int wire_send(int sock, const void *message, size_t size, const int *fds, size_t n_fds);

struct wire_message {
	union {
		struct wire_head head;
		struct wire_run run;
		struct wire_kill kill;
		struct wire_hello hello;
		struct wire_state state;
		struct wire_started started;
		struct wire_done done;
		struct wire_refused refused;
		char bytes[1024];
	};
	int fds[WIRE_MAX_FDS]; /* CLOEXEC; the receiver's to close: wire_close_fds */
	size_t n_fds;
};

/*
 * Receives one message and checks that size, type and descriptor count belong together. Returns 1, 0 at the
 * end of the connection, -1 with ERR_BUSY when there is none yet, -1 with ERR_CORRUPT for a malformed one
 * (its descriptors are closed already).
 */
int wire_receive(int sock, struct wire_message *m, struct err *e);

/* The check by itself, on bytes already in `m`: 0, or -1 with ERR_CORRUPT and what is wrong. */
int wire_check(const struct wire_message *m, size_t size, size_t n_fds, struct err *e);
void wire_close_fds(struct wire_message *m);

#endif
