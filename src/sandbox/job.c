/* SPDX-License-Identifier: MIT */
/*
 * The process that becomes the program. It takes on every restriction while the slot waits in the pool; what
 * is left for the request is to receive, write the files and execve, all of it already under the program's
 * own ids, limits and filter.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/defence.h"
#include "sandbox/fdmsg.h"
#include "sandbox/inside.h"
#include "sandbox/job_steps.h"
#include "sandbox/lowfds.h"
#include "sandbox/wire.h"

#define GO_MAX_FDS 3
#define SMALL_SPEC 8192

static struct spec_view view;

/* Opened anew for reading, because a descriptor that came from elsewhere shares its offset with the sender's
 * and may be writable. */
static int use_as_stdin(int memfd)
{
	char path[32];
	AUTO_CLOSE int fd = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || dup2(fd, 0) < 0 ? -1 : 0;
}

/* 0 is an empty file until a run brings its own. */
static int set_stdio(const struct slot_plan *plan)
{
	AUTO_CLOSE int empty = -1;
	int input = plan->input;

	if (input < 0) {
		input = empty = spec_create();
		if (empty < 0 || spec_seal(empty) < 0)
			return -1;
	}
	if (use_as_stdin(input) < 0 || dup2(plan->stdout_fd, 1) < 0 || dup2(plan->stderr_fd, 2) < 0)
		return -1;
	return 0;
}

void job_prepare(const struct slot_plan *plan, struct job *j, int *extra, int *restricted)
{
	int *keep[4] = { &j->report, &j->go, restricted, extra };
	struct err e;

	j->report = plan->report;
	j->go = plan->go;
	program_default_signals();
	/* Takes the page faults of a small request now rather than on the way to the program. */
	memset(&view, 0, offsetof(struct spec_view, first) + SMALL_SPEC);
	if (!defence_is_off(DEFENCE_OOM_SCORE) && program_prefer_for_oom() < 0)
		report_and_exit(j->report, SLOT_BROKEN, errno, "oom_score_adj");
	if (chdir("/box") < 0)
		report_and_exit(j->report, SLOT_BROKEN, errno, "chdir /box");
	(void)umask(022);
	if (set_stdio(plan) < 0)
		report_and_exit(j->report, SLOT_BROKEN, errno, "standard streams");
	lowfds_keep(keep, extra ? 4 : 3);
	if (defence_is_off(DEFENCE_OPEN_FILES))
		(void)fcntl(j->report, F_SETFD, 0);
	else if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		report_and_exit(j->report, SLOT_BROKEN, errno, "close_range");
	if (restrict_job(plan, &e) < 0)
		report_and_exit(j->report, SLOT_BROKEN, 0, e.msg);
}

void job_tell_init(int fd)
{
	if (write(fd, "", 1) != 1)
		_exit(127); /* init is gone, and so is the slot */
	(void)close(fd);
}

void job_wait_for_go(struct job *j)
{
	int fds[GO_MAX_FDS];
	size_t n = GO_MAX_FDS, used = 0;
	ssize_t len = fdmsg_wait(j->go, &j->order, sizeof(j->order), fds, &n);

	if (len == 0)
		_exit(127); /* the spawner dropped the slot, or is gone */
	if (len != (ssize_t)sizeof(j->order) || n == 0)
		report_and_exit(j->report, SLOT_EXEC_FAILED, EPROTO, "receive go");
	j->spec = fds[used++];
	j->input = (j->order.flags & WIRE_RUN_STDIN) && used < n ? fds[used++] : -1;
	j->artifacts = (j->order.flags & WIRE_RUN_ARTIFACTS) && used < n ? fds[used++] : -1;
	if (used != n || ((j->order.flags & WIRE_RUN_STDIN) && j->input < 0) ||
	    ((j->order.flags & WIRE_RUN_ARTIFACTS) && j->artifacts < 0))
		report_and_exit(j->report, SLOT_EXEC_FAILED, EPROTO, "descriptors of go");
}

static void take_stdin(const struct job *j)
{
	if (j->input >= 0 && use_as_stdin(j->input) < 0)
		report_and_exit(j->report, SLOT_EXEC_FAILED, errno, "open standard input");
}

static void unpack_artifacts(const struct job *j)
{
	if (j->artifacts >= 0) {
		if (spec_view_load(&view, j->artifacts, SPEC_SET_MAGIC) < 0)
			report_and_exit(j->report, SLOT_EXEC_FAILED, errno, "read the artifacts");
		if (unpack_files(&view) < 0)
			report_and_exit(j->report, SLOT_EXEC_FAILED, errno, "write an artifact");
		spec_view_done(&view);
	}
}

struct spec_view *job_load(const struct job *j)
{
	if (spec_view_load(&view, j->spec, SPEC_MAGIC) < 0)
		report_and_exit(j->report, SLOT_EXEC_FAILED, errno, "read the spec");
	return &view;
}

void job_unpack(const struct job *j)
{
	if (unpack_files(&view) < 0)
		report_and_exit(j->report, SLOT_EXEC_FAILED, errno, "write a file");
}

static _Noreturn void become(const struct job *j)
{
	int error = program_exec(program_arguments(&view), job_environment(NULL, view.env, view.head.n_env),
				 PROGRAM_PATH);

	report_and_exit(j->report, SLOT_EXEC_FAILED, error, "execve");
}

/* The rest is up to the feeder. */
static _Noreturn void become_interpreter(const struct job *j, const struct sandbox_warm *warm)
{
	static struct sandbox_warm mine;

	mine = *warm;
	view.argv = view.env = mine.text;
	view.head.n_argv = mine.n_argv;
	view.head.n_env = mine.n_env;
	for (uint32_t i = 0; i < mine.n_argv; i++)
		view.env = spec_next_string(view.env);
	become(j);
}

_Noreturn void job_main(const struct slot_plan *plan, int restricted)
{
	struct job j;

	job_prepare(plan, &j, NULL, &restricted);
	if (plan->warm)
		become_interpreter(&j, plan->warm);
	job_tell_init(restricted);
	job_wait_for_go(&j);
	take_stdin(&j);
	/* The files of a compile step first: a name that comes twice is refused, whoever brought it. */
	unpack_artifacts(&j);
	(void)job_load(&j);
	job_unpack(&j);
	/* After the files: RLIMIT_FSIZE is the program's, not ours. */
	if (restrict_run_limits(0, j.order.file_bytes, j.order.cpu_seconds) < 0)
		report_and_exit(j.report, SLOT_EXEC_FAILED, errno, "resource limits");
	become(&j);
}
