/* SPDX-License-Identifier: MIT */
/*
 * What engine and codecrusher-box say to each other over the attach stream of a container. Both come from one
 * build, and run on one machine: structs travel as they are in memory.
 *
 *   engine (the container's stdin)                 box (its stdout)
 *                                             <-   READY    it is set up, and waits
 *   box_order, spec, artifacts, stdin         ->
 *                                             <-   STARTED  the program is about to be executed
 *   one byte BOX_CANCEL, maybe                ->
 *                                             <-   STDOUT, STDERR as they come
 *                                             <-   ARTIFACTS in pieces, if the order wants them
 *                                             <-   END      last; the box exits
 *
 * BROKEN, with a sentence, can come in place of anything. The end of the box's stdin means that the engine is
 * gone: it kills everything and exits.
 *
 * END repeats the order's nonce. The program never had it in its memory, so even a program that found a way
 * to write to the box's stdout could not end its own run with a verdict of its choice.
 */
#ifndef BOX_PROTOCOL_H
#define BOX_PROTOCOL_H

#include <stdint.h>

#include "sandbox/config.h"

#define BOX_MAGIC      0x58424343u
#define BOX_VERSION    1
#define BOX_NONCE_SIZE 32
#define BOX_FRAME_MAX  65536
#define BOX_CANCEL     'C'

/* Where the container has the program, whether it comes as a file or in a volume. */
#define BOX_DIR	 "/.codecrusher"
#define BOX_NAME "codecrusher-box"

/* Its share of the container's limits. The program gets what is left, so at least its own. */
#define BOX_MEMORY	((int64_t)8 << 20)
#define BOX_PROCESSES	1
#define BOX_PAYLOAD_MAX ((uint64_t)1 << 30)

enum box_frame_type {
	BOX_READY = 1, /* struct box_ready */
	BOX_BROKEN,    /* text */
	BOX_STARTED,   /* nothing */
	BOX_STDOUT,
	BOX_STDERR,
	BOX_ARTIFACTS, /* the next bytes of a file set */
	BOX_END,       /* struct box_end */
};

struct box_frame {
	uint32_t type;
	uint32_t len; /* of what follows, at most BOX_FRAME_MAX */
};

struct box_ready {
	uint32_t magic;
	uint32_t version;
	char build[32];
};

enum box_order_flags {
	BOX_COLLECT = 1 << 0, /* after a clean end, send what the spec's patterns name */
};

struct box_order {
	uint32_t magic;
	uint32_t flags;
	uint8_t nonce[BOX_NONCE_SIZE];
	uint64_t spec_len;
	uint64_t artifacts_len; /* 0: none */
	uint64_t stdin_len;	/* 0: empty */
	struct sandbox_limits limits;
	int64_t output_bytes; /* of each stream */
	uint32_t job_uid;     /* gid as well */
	uint32_t box_uid;     /* another one */
	uint32_t cpus;	      /* how many it can keep busy at once */
	uint32_t unused;
};

/* Facts only: the engine decides on the verdict (sandbox/verdict.h). */
struct box_end {
	uint8_t nonce[BOX_NONCE_SIZE];
	uint32_t stop; /* enum wire_stop: the limit that fired while it ran */
	uint32_t killed;
	uint32_t ended; /* the main process ended by itself: wait_status counts */
	int32_t wait_status;
	int32_t start_errno;
	uint32_t oom_own;
	uint32_t oom_killed;
	uint32_t truncated[2];
	uint32_t unused;
	int64_t cpu_us;
	int64_t wall_us;
	int64_t memory_bytes;
	uint64_t artifacts_len;
	char problem[200]; /* why nothing was collected */
};

#endif
