/* SPDX-License-Identifier: MIT */
/*
 * The Docker executor: every run has a container of its own, made by a Docker Engine on this machine. Our
 * codecrusher-box is process 1 in it and does what the spawner does for a native slot (box/box.h); the Engine
 * sets the limits, mounts and capabilities.
 *
 * Containers are made ahead: after a run, another one of the same kind (image, memory, processes, disk) is
 * started and waits. A run that finds none of its kind waits for a new one.
 *
 * While the Engine does not answer, no slot is there and starts are ERR_BUSY; runs in flight are reported
 * lost. A container without its engine process ends by itself, because its stdin does; what a crash left
 * behind otherwise is removed by label at the next start.
 */
#ifndef EXECUTOR_DOCKER_H
#define EXECUTOR_DOCKER_H

#include <stdint.h>

#include "base/err.h"
#include "executor/executor.h"

struct event_base;
struct lang_table;

/* Strings are borrowed and outlive the executor. Callbacks may be NULL; none runs inside another call of this
 * module. */
struct docker_options {
	const char *socket;  /* of the Engine */
	const char *runtime; /* "runc", "runsc", ...; "": the Engine's default */
	const char *box;   /* codecrusher-box as the Engine's host names it: an absolute path, or a volume */
	unsigned slots;	   /* most runs at once, at least 1 */
	unsigned spares;   /* most containers that wait for a run */
	int64_t millicpus; /* CPU bandwidth of one container, in 1/1000; 0: unlimited */
	/* The Engine answered; `version` is its own. */
	void (*attached)(const char *version, void *arg);
	/* The Engine is gone or cannot be used (`why` says what to do), or an image is missing. */
	void (*problem)(const struct err *why, void *arg);
	void *arg;
};

/* NULL only when memory is short. Connects once the loop runs. Free it with executor_free, outside its
 * callbacks, before `base`. */
struct executor *docker_new(struct event_base *base, const struct docker_options *options, struct err *e);

/* "python=python:3.12-slim,c=gcc:13": other images than those of the language files. -1 names the word that
 * is wrong. */
int docker_override_images(struct lang_table *langs, const char *text, struct err *e);

#endif
