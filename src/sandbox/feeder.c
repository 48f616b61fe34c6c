/* SPDX-License-Identifier: MIT */
/*
 * The feeder of a warm slot. It has the program's uid and every restriction of the program, lives from the
 * building of the slot until a request is unpacked, and is dead and reaped before the interpreter reads the
 * first byte of the program: no program ever shares its slot with one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/job_steps.h"

/* The interpreter has been started with another command than this: nothing to be done but to say so. The
 * engine is to ask for a warm slot only when both are the same. */
static void check_command(const struct job *j, const struct sandbox_warm *warm, const struct spec_view *v)
{
	const char *end = v->argv;

	for (uint32_t i = 0; i < v->head.n_argv + v->head.n_env; i++)
		end += strlen(end) + 1;
	if (v->head.n_argv != warm->n_argv || v->head.n_env != warm->n_env ||
	    (size_t)(end - v->argv) != warm->text_len || memcmp(v->argv, warm->text, warm->text_len) != 0 ||
	    v->head.n_files != 1 || strcmp(v->names, warm->source) != 0 || j->artifacts >= 0)
		report_and_exit(j->report, SLOT_EXEC_FAILED, EINVAL, "a request that no warm slot can take");
}

/*
 * Whether SIGKILL is on its way to the interpreter. On a busy machine that takes a while, and one that is
 * woken for it may still take the program out of the FIFO, in the kernel, before it dies. One that has begun
 * to die takes nothing any more, which init sees (never_began).
 */
static bool is_being_killed(pid_t interpreter)
{
	static const char pending[] = "\nSigPnd:\t";
	char path[32], text[2048], *at;
	AUTO_CLOSE int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", interpreter);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return false;
	text[n] = '\0';
	at = strstr(text, pending);
	return at && (strtoull(at + sizeof(pending) - 1, NULL, 16) & (1u << (SIGKILL - 1)));
}

static int copy(int from, int to)
{
	static char chunk[65536];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, chunk, sizeof(chunk), at)) > 0) {
		if (spec_write_all(to, chunk, (size_t)n) < 0)
			return -1;
		at += n;
	}
	return n < 0 ? -1 : 0;
}

/* The interpreter has the same memfd as its descriptor 0, for reading and with an offset of its own. */
static void fill_input(const struct job *j, int input)
{
	if ((j->input >= 0 && copy(j->input, input) < 0) || spec_seal(input) < 0)
		report_and_exit(j->report, SLOT_EXEC_FAILED, errno, "write standard input");
}

_Noreturn void feeder_main(const struct slot_plan *plan, int arrived, pid_t interpreter)
{
	int input = plan->input;
	struct job j;

	job_prepare(plan, &j, &input, &arrived);
	/* Returns when both ends are open. It stays open, so that the interpreter does not see the end. */
	if (open(plan->warm->source, O_WRONLY | O_CLOEXEC) < 0)
		report_and_exit(j.report, SLOT_BROKEN, errno, "open the main file's FIFO");
	job_tell_init(arrived);

	job_wait_for_go(&j);
	if (is_being_killed(interpreter))
		report_and_exit(j.report, SLOT_BROKEN, 0, "the interpreter was killed while it waited");
	check_command(&j, plan->warm, job_load(&j));
	/* A file in the FIFO's place first, then its content through the FIFO: whoever opens the main file by
	 * its name, as tracebacks do, gets the file. */
	if (unlink(plan->warm->source) < 0)
		report_and_exit(j.report, SLOT_EXEC_FAILED, errno, "remove the main file's FIFO");
	job_unpack(&j);
	fill_input(&j, input);
	if (restrict_run_limits(interpreter, j.order.file_bytes, j.order.cpu_seconds) < 0)
		report_and_exit(j.report, SLOT_EXEC_FAILED, errno, "resource limits");
	_exit(0);
}
