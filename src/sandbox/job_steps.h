/* SPDX-License-Identifier: MIT */
/* What the job process and the feeder of a warm slot do alike. Each ends the process with a report when it
 * fails. */
#ifndef SANDBOX_JOB_STEPS_H
#define SANDBOX_JOB_STEPS_H

#include "sandbox/inside.h"
#include "sandbox/spec_reader.h"

struct job {
	int report;
	int go;
	struct slot_go order;
	int spec, input, artifacts; /* -1 when not sent */
};

/* Signals, standard streams, working directory, then every restriction. Of the descriptors only report, go,
 * `restricted` and `extra` (may be NULL) stay; their numbers change. */
void job_prepare(const struct slot_plan *plan, struct job *j, int *extra, int *restricted);
/* Writes the byte init waits for, and closes. */
void job_tell_init(int fd);
void job_wait_for_go(struct job *j);
/* The request, checked; static storage. */
struct spec_view *job_load(const struct job *j);
/* Writes the files of what job_load has read. */
void job_unpack(const struct job *j);

#endif
