/* SPDX-License-Identifier: MIT */
/* Builds one real slot without a spawner and runs one program in it, for tests. Needs root; no cgroups. */
#ifndef SANDBOX_SLOT_LAUNCH_H
#define SANDBOX_SLOT_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/slot.h"
#include "sandbox/spec.h"

#define LAUNCH_JOB_UID	0x70000101u
#define LAUNCH_INIT_UID 0x70000102u
#define LAUNCH_OUTPUT	65536

struct launch {
	struct spec spec;
	const char *rootfs;	     /* NULL: host */
	const char *input;	     /* NULL: none is sent */
	int artifacts;		     /* a file set, or 0 for none */
	int64_t file_bytes;	     /* 0: 64 MiB */
	int64_t disk_bytes;	     /* at creation; 0: 64 MiB */
	int64_t resize_bytes;	     /* box_resize before go; 0: none */
	struct slot_collect collect; /* max_files 0: nothing is collected */
	bool abandon;		     /* the "spawner" goes away instead of sending go */
};

struct launched {
	struct slot_report ready;  /* type 0 when it did not come, as below */
	struct slot_report broken; /* SLOT_BROKEN or SLOT_EXEC_FAILED */
	struct slot_report ended;
	int artifacts; /* -1, or the caller's */
	bool overflow; /* more output than fits */
	char out[LAUNCH_OUTPUT], err[LAUNCH_OUTPUT];
};

/* Ends the test program with a sentence when a slot cannot even be tried. */
void launch(const struct launch *l, struct launched *ret);

/* Runs a shell command on the host, for what a test needs around a slot. Returns its exit status, or -1. */
int launch_prepare(const char *command);

#endif
