/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "box/box.h"
#include "sandbox/inside.h"
#include "sandbox/lowfds.h"
#include "sandbox/spec_reader.h"

extern char **environ;

static struct spec_view view;

/* What becomes the program holds these, and nothing else. */
struct inside {
	int spec, artifacts, input;
	int go, failed;
};

static _Noreturn void fail(const struct inside *in, int error)
{
	(void)!write(in->failed, &error, sizeof(error));
	_exit(127);
}

/* Opened anew, because the one that came is writable, and shared. */
static void take_stdin(const struct inside *in)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", in->input);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		fail(in, errno);
}

static void unpack(const struct inside *in)
{
	if (in->artifacts >= 0) {
		if (spec_view_load(&view, in->artifacts, SPEC_SET_MAGIC) < 0 ||
		    unpack_files(AT_FDCWD, &view) < 0)
			fail(in, errno);
		spec_view_done(&view);
	}
	if (spec_view_load(&view, in->spec, SPEC_MAGIC) < 0 || unpack_files(AT_FDCWD, &view) < 0)
		fail(in, errno);
}

static bool is_named(const char *var, const char *name)
{
	size_t len = strlen(name);

	return strncmp(var, name, len) == 0 && var[len] == '=';
}

/* What the image sets, such as the directories of its toolchain, but for what says where this runs. */
static char *const *image_environment(void)
{
	static char *list[JOB_ENV_OWN_MAX + 1];
	static const char *const ours[] = { "HOME", "HOSTNAME", "TMPDIR", "LANG" };
	size_t n = 0;

	for (char **var = environ; *var && n < JOB_ENV_OWN_MAX; var++) {
		bool skip = false;

		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
			skip = skip || is_named(*var, ours[i]);
		if (!skip)
			list[n++] = *var;
	}
	list[n] = NULL;
	return list;
}

static void restrict_all(const struct inside *in, const struct order *order, const struct sock_fprog *filter)
{
	const struct slot_plan plan = { .job_uid = order->head.job_uid, .filter = filter };
	struct err e;

	if (program_prefer_for_oom() < 0)
		fail(in, errno);
	(void)umask(022);
	if (chdir("/box") < 0)
		fail(in, errno);
	if (restrict_job(&plan, &e) < 0)
		fail(in, e.sys ? e.sys : EPERM);
}

static _Noreturn void become_program(struct inside *in, const struct order *order,
				     const struct sock_fprog *filter)
{
	const struct sandbox_limits limits = order->head.limits;
	const char *path = getenv("PATH");
	char **envp, **argv;
	char byte;

	program_default_signals();
	take_stdin(in);
	restrict_all(in, order, filter);
	/* From that byte on, the box is no longer root either. */
	if (read(in->go, &byte, 1) != 1)
		_exit(127);
	unpack(in);
	if (restrict_run_limits(limits.file_bytes, limits.cpu_ms / 1000 + 2) < 0)
		fail(in, errno);
	argv = program_arguments(&view);
	envp = job_environment(image_environment(), view.env, view.head.n_env);
	fail(in, program_exec(argv, envp, path ? path : PROGRAM_PATH));
}

/* Stays ours, but the program may open /dev/stdout anew, for writing only. */
static int make_stream(int ends[2])
{
	return pipe2(ends, O_CLOEXEC) < 0 || fchmod(ends[1], 0222) < 0 ||
			       fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0
		       ? -1
		       : 0;
}

static int make_pipes(int pipes[4][2])
{
	for (int i = 0; i < 4; i++) {
		if (i < 2 ? make_stream(pipes[i]) < 0 : pipe2(pipes[i], O_CLOEXEC) < 0)
			return -1;
	}
	return 0;
}

int program_fork(struct program *p, const struct order *order, const struct sock_fprog *filter)
{
	int pipes[4][2]; /* stdout, stderr, go, failed */

	if (make_pipes(pipes) < 0)
		return -1;
	p->pid = fork();
	if (p->pid == 0) {
		struct inside in = { order->spec, order->artifacts, order->input, pipes[2][0], pipes[3][1] };
		struct order copy = *order;

		explicit_bzero(copy.head.nonce, sizeof(copy.head.nonce));
		if (dup2(pipes[0][1], STDOUT_FILENO) < 0 || dup2(pipes[1][1], STDERR_FILENO) < 0)
			_exit(127);
		if (in.artifacts >= 0)
			lowfds_keep((int *[]){ &in.spec, &in.input, &in.go, &in.failed, &in.artifacts }, 5);
		else
			lowfds_keep((int *[]){ &in.spec, &in.input, &in.go, &in.failed }, 4);
		if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
			_exit(127);
		become_program(&in, &copy, filter);
	}
	p->streams[0] = pipes[0][0];
	p->streams[1] = pipes[1][0];
	p->go = pipes[2][1];
	p->failed = pipes[3][0];
	(void)close(pipes[0][1]);
	(void)close(pipes[1][1]);
	(void)close(pipes[2][0]);
	(void)close(pipes[3][1]);
	return p->pid < 0 ? -1 : 0;
}
