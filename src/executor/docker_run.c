/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "executor/docker_internal.h"
#include "executor/docker_outcome.h"
#include "executor/request.h"
#include "sandbox/spec.h"
#include "sandbox/spec_format.h"
#include "sandbox/wire.h"

static int64_t size_of(int fd)
{
	struct stat st;

	return fd < 0 || fstat(fd, &st) < 0 ? 0 : (int64_t)st.st_size;
}

int64_t docker_run_payload(const struct docker_run *r)
{
	return (int64_t)(r->order.spec_len + r->order.artifacts_len + r->order.stdin_len);
}

static int fill_order(struct docker_run *r, const struct exec_spec *spec, struct err *e)
{
	const struct limits *l = &spec->limits;
	int64_t millicpus = docker_of(r->run.executor)->options.millicpus;

	r->order = (struct box_order){
		.magic = BOX_MAGIC,
		.flags = spec->collect && spec->collect[0] ? BOX_COLLECT : 0,
		.spec_len = (uint64_t)size_of(r->fds[0]),
		.artifacts_len = (uint64_t)size_of(r->fds[1]),
		.stdin_len = (uint64_t)size_of(r->fds[2]),
		.limits = { l->cpu_ms, l->wall_ms, l->memory_bytes, l->processes, l->file_bytes,
			    l->disk_bytes },
		.output_bytes = l->output_bytes,
		.cpus = millicpus > 0 ? (uint32_t)((millicpus + 999) / 1000)
				      : (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
	};
	if (docker_run_payload(r) > (int64_t)BOX_PAYLOAD_MAX)
		return err_set(e, ERR_LIMIT, 0, "the run's files and input are too large together");
	if (getrandom(r->order.nonce, sizeof(r->order.nonce), 0) != (ssize_t)sizeof(r->order.nonce))
		return err_set(e, ERR_IO, errno, "draw a nonce");
	return 0;
}

/* They are the caller's only until it returns, and go out later. */
static int take_files(struct docker_run *r, const struct exec_spec *spec, struct err *e)
{
	int from[3] = { -1, spec->artifacts_fd, spec->stdin_fd };

	r->fds[0] = request_spec(spec, e);
	if (r->fds[0] < 0)
		return -1;
	for (int i = 1; i < 3; i++) {
		if (from[i] < 0)
			continue;
		r->fds[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 3);
		if (r->fds[i] < 0)
			return err_set(e, ERR_IO, errno, "hold a run's input");
	}
	return 0;
}

struct docker_run *docker_run_new(struct docker *d, const struct exec_spec *spec,
				  const struct exec_events *events, void *arg, struct err *e)
{
	struct docker_run *r = calloc(1, sizeof(*r));

	if (!r) {
		err_set(e, ERR_IO, ENOMEM, "start a run");
		return NULL;
	}
	r->run.executor = &d->executor;
	r->events = events;
	r->arg = arg;
	r->artifacts = -1;
	for (int i = 0; i < 3; i++)
		r->fds[i] = -1;
	for (int i = 0; i < 2; i++)
		r->left[i] = spec->limits.output_bytes;
	list_push_back(&d->runs, &r->node);
	d->n_runs++;
	if (take_files(r, spec, e) < 0 || fill_order(r, spec, e) < 0) {
		docker_run_free(r);
		return NULL;
	}
	return r;
}

void docker_run_free(struct docker_run *r)
{
	docker_of(r->run.executor)->n_runs--;
	list_remove(&r->node);
	for (int i = 0; i < 3; i++) {
		if (r->fds[i] >= 0)
			(void)close(r->fds[i]);
	}
	if (r->artifacts >= 0)
		(void)close(r->artifacts);
	free(r);
}

/* ---- what its box says ---- */

bool docker_run_output(struct docker_run *r, enum exec_stream which, const char *data, size_t len)
{
	if ((int64_t)len > r->left[which])
		return false;
	r->left[which] -= (int64_t)len;
	if (r->events->output)
		r->events->output(which, data, len, r->arg);
	return true;
}

bool docker_run_artifacts(struct docker_run *r, const char *data, size_t len)
{
	uint64_t most = (uint64_t)r->order.limits.disk_bytes + SPEC_META_MAX;

	if (!(r->order.flags & BOX_COLLECT) || len > most - r->artifacts_len)
		return false;
	if (r->artifacts < 0)
		r->artifacts = spec_create();
	r->artifacts_len += len;
	return r->artifacts >= 0 && spec_write_all(r->artifacts, data, len) == 0;
}

static void take_artifacts(struct docker_run *r)
{
	if (r->artifacts < 0 || request_set_is_empty(r->artifacts))
		return;
	if (spec_seal(r->artifacts) == 0)
		r->report.artifacts_fd = TAKE_FD(r->artifacts);
	else
		(void)snprintf(r->report.problem, sizeof(r->report.problem), "the collected files were lost");
}

/* All bytes are looked at, whatever they are: the time says nothing about the nonce. */
static bool same_nonce(const uint8_t *a, const uint8_t *b)
{
	unsigned differing = 0;

	for (size_t i = 0; i < BOX_NONCE_SIZE; i++)
		differing |= (unsigned)(a[i] ^ b[i]);
	return differing == 0;
}

static void ended(struct docker_run *r)
{
	r->box = NULL;
	docker_kick(docker_of(r->run.executor));
}

bool docker_run_end(struct docker_run *r, const struct box_end *end)
{
	struct docker_outcome v;

	if (end->stop > WIRE_STOP_WALL || !same_nonce(end->nonce, r->order.nonce) ||
	    end->artifacts_len != r->artifacts_len || end->cpu_us < 0 || end->wall_us < 0 ||
	    end->memory_bytes < 0)
		return false;
	v = docker_outcome(end, &r->order.limits);
	r->report = (struct exec_report){
		.lost = v.lost,
		.started = true,
		.stop = (enum exec_stop)v.stop,
		.start_errno = end->start_errno,
		.exit_code = v.exit_code,
		.signal = v.signal,
		.truncated = { end->truncated[0], end->truncated[1] },
		.cpu_us = end->cpu_us,
		.wall_us = end->wall_us,
		.memory_bytes = end->memory_bytes,
		.artifacts_fd = -1,
	};
	(void)snprintf(r->report.problem, sizeof(r->report.problem), "%.*s", (int)sizeof(end->problem) - 1,
		       v.problem ? v.problem : end->problem);
	take_artifacts(r);
	ended(r);
	return true;
}

void docker_run_lost(struct docker_run *r, bool refused, const char *problem)
{
	r->report = (struct exec_report){
		.lost = true,
		.started = r->sent,
		.refused = refused,
		.exit_code = -1,
		.artifacts_fd = -1,
	};
	(void)snprintf(r->report.problem, sizeof(r->report.problem), "%s", problem);
	ended(r);
}

void docker_run_cancelled(struct docker_run *r)
{
	r->report = (struct exec_report){
		.stop = EXEC_STOP_CANCELLED,
		.exit_code = -1,
		.artifacts_fd = -1,
	};
	ended(r);
}

/* The run is gone when its listener is told, so that it may start the next one at once. */
void docker_run_tell(struct docker_run *r)
{
	const struct exec_events *events = r->events;
	const struct exec_report report = r->report;
	void *arg = r->arg;

	docker_run_free(r);
	events->done(&report, arg);
}
