/* SPDX-License-Identifier: MIT */
/*
 * The process that becomes the program. It takes on every restriction while the slot waits in the pool; what
 * is left for the request is to receive, write the files and execve, all of it already under the program's
 * own ids, limits and filter.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/defence.h"
#include "sandbox/inside.h"
#include "sandbox/lowfds.h"

struct job {
	int report;
	int go;
	int init; /* one byte on it says that every restriction is in force */
};

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

/* Signals, standard streams, working directory, then every restriction. */
static void prepare(const struct slot_plan *plan, struct job *j)
{
	struct err e;

	program_default_signals();
	if (plan->warm && handover_introduce(j->init) < 0)
		report_and_exit(j->report, SLOT_BROKEN, errno, "open /proc/self/status");
	if (!plan->warm)
		request_prepare();
	if (!defence_is_off(DEFENCE_OOM_SCORE) && program_prefer_for_oom() < 0)
		report_and_exit(j->report, SLOT_BROKEN, errno, "oom_score_adj");
	if (chdir("/box") < 0)
		report_and_exit(j->report, SLOT_BROKEN, errno, "chdir /box");
	(void)umask(022);
	if (set_stdio(plan) < 0)
		report_and_exit(j->report, SLOT_BROKEN, errno, "standard streams");
	lowfds_keep((int *[]){ &j->report, &j->go, &j->init }, 3);
	if (defence_is_off(DEFENCE_OPEN_FILES))
		(void)fcntl(j->report, F_SETFD, 0);
	else if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		report_and_exit(j->report, SLOT_BROKEN, errno, "close_range");
	if (restrict_job(plan, &e) < 0)
		report_and_exit(j->report, SLOT_BROKEN, 0, e.msg);
}

static void tell_init(const struct job *j)
{
	if (write(j->init, "", 1) != 1)
		_exit(127); /* init is gone, and so is the slot */
	(void)close(j->init);
}

static void wait_for_request(const struct job *j, struct request *r)
{
	int got = request_receive(r, j->go, true);

	if (got == 0)
		_exit(127); /* the spawner dropped the slot, or is gone */
	if (got < 0)
		report_and_exit(j->report, SLOT_EXEC_FAILED, errno, "receive go");
}

/* After the files: RLIMIT_FSIZE is the program's, not ours. */
static void set_limits(const struct job *j, int64_t file_bytes, int64_t cpu_seconds)
{
	if (restrict_run_limits(file_bytes, cpu_seconds) < 0)
		report_and_exit(j->report, SLOT_EXEC_FAILED, errno, "resource limits");
}

static _Noreturn void become(const struct job *j, struct spec_view *v)
{
	int error = program_exec(program_arguments(v), job_environment(NULL, v->env, v->head.n_env),
				 PROGRAM_PATH);

	report_and_exit(j->report, SLOT_EXEC_FAILED, error, "execve");
}

/* The rest is up to init. */
static _Noreturn void become_interpreter(const struct job *j, const struct slot_plan *plan)
{
	static struct sandbox_warm mine;
	static struct spec_view v;

	mine = *plan->warm;
	v.argv = v.env = mine.text;
	v.head.n_argv = mine.n_argv;
	v.head.n_env = mine.n_env;
	for (uint32_t i = 0; i < mine.n_argv; i++)
		v.env = spec_next_string(v.env);
	set_limits(j, plan->warm_file_bytes, plan->warm_cpu_seconds);
	become(j, &v);
}

/* The files of a compile step first: a name that comes twice is refused, whoever brought it. */
static void unpack_artifacts(const struct job *j, int artifacts)
{
	struct spec_view *set;

	if (artifacts < 0)
		return;
	set = request_load(artifacts, SPEC_SET_MAGIC);
	if (!set)
		report_and_exit(j->report, SLOT_EXEC_FAILED, errno, "read the artifacts");
	if (unpack_files(AT_FDCWD, set) < 0)
		report_and_exit(j->report, SLOT_EXEC_FAILED, errno, "write an artifact");
	spec_view_done(set);
}

_Noreturn void job_main(const struct slot_plan *plan, int init)
{
	struct job j = { .report = plan->report, .go = plan->go, .init = init };
	struct spec_view *view;
	struct request r;

	prepare(plan, &j);
	if (plan->warm)
		become_interpreter(&j, plan);
	tell_init(&j);
	wait_for_request(&j, &r);
	if (r.input >= 0 && use_as_stdin(r.input) < 0)
		report_and_exit(j.report, SLOT_EXEC_FAILED, errno, "open standard input");
	unpack_artifacts(&j, r.artifacts);
	view = request_load(r.spec, SPEC_MAGIC);
	if (!view)
		report_and_exit(j.report, SLOT_EXEC_FAILED, errno, "read the spec");
	if (unpack_files(AT_FDCWD, view) < 0)
		report_and_exit(j.report, SLOT_EXEC_FAILED, errno, "write a file");
	set_limits(&j, r.order.file_bytes, r.order.cpu_seconds);
	become(&j, view);
}
