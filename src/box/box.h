/* SPDX-License-Identifier: MIT */
/*
 * codecrusher-box: process 1 of a container that the Docker Engine made for one run. It starts as the
 * container's root with four capabilities (SETUID, SETGID, SETPCAP, KILL), takes one order, forks the process
 * that becomes the program, and is left with CAP_KILL and the filter of a slot's init before that process may
 * go on. The program has another uid; it can neither trace nor signal the box.
 *
 *   main.c     takes the order
 *   program.c  the process that becomes the program
 *   watch.c    until the program's end: limits, output, cancelling; then the report
 *   meter.c    CPU time and memory, from the container's own cgroups
 *   out.c      frames to the engine
 */
#ifndef BOX_BOX_H
#define BOX_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "box/protocol.h"

struct sock_fprog;

/* ---- meter.c ---- */

struct meter {
	int version;		 /* 1 or 2 */
	int cpu;		 /* cpuacct.usage, or cpu.stat */
	int usage, peak, events; /* events: memory.oom_control, or memory.events */
	int limit, failures;	 /* version 1 only */
	int64_t cpu_base_us;
	int64_t usage_base;
	int64_t peak_base;
};

/* Opens the files of the container's cgroup, while that is still allowed. -1 when it cannot see them. */
int meter_open(struct meter *m, struct err *e);
/* From here on it counts. */
void meter_begin(struct meter *m);
/* What the program used, the box's own share taken off. */
int64_t meter_cpu_us(const struct meter *m);
/* The most memory at once. `rss` (bytes) is what the kernel says of the largest process: the answer while the
 * program stayed below what starting the container took. */
int64_t meter_peak(const struct meter *m, int64_t rss);
/* Whether the kernel killed for want of memory; *ret_own: because the container's own limit was reached. */
bool meter_oom(const struct meter *m, bool *ret_own);

/* ---- out.c: one buffer before a stdout that may be slow ---- */

/* From here on stdout does not block. */
void out_begin(void);
/* Whether a frame of the largest size fits. */
bool out_has_room(void);
bool out_is_empty(void);
/* Needs room. */
void out_frame(enum box_frame_type type, const void *data, size_t len);
/* Writes what stdout takes now. Ends the box when nobody reads any more. */
void out_some(void);
/* Writes everything, however long that takes. */
void out_all(void);
/* Tells the engine, and ends the box. */
_Noreturn void out_broken(const char *what, int error);

/* ---- program.c ---- */

struct order {
	struct box_order head;
	int spec, artifacts, input; /* sealed memfds; -1: none */
};

/* The program's side of the pipes. */
struct program {
	pid_t pid;
	int streams[2]; /* stdout, stderr: reading ends, non-blocking */
	int go;		/* one byte lets it go on */
	int failed;	/* an errno (int) comes when it could not be executed; the end when it was */
};

/* Forks it. It waits for the byte. 0, or -1 with errno. */
int program_fork(struct program *p, const struct order *order, const struct sock_fprog *filter);

/* ---- watch.c ---- */

/* Lets the program go, and never returns. `signals` is a signalfd for SIGCHLD. */
_Noreturn void watch(struct program *p, const struct order *order, struct meter *meter, int signals, int box);

#endif
