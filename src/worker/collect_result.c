/* SPDX-License-Identifier: MIT */
#include "worker/collect_result.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE_MAX 512

void collect_verdict(struct result *r, enum verdict v, const char *message)
{
	free(r->message);
	r->verdict = v;
	r->message = message ? strdup(message) : NULL;
}

static void decide(struct result *r, enum verdict v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void decide(struct result *r, enum verdict v, const char *fmt, ...)
{
	char sentence[SENTENCE_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(sentence, sizeof(sentence), fmt, args);
	va_end(args);
	collect_verdict(r, v, sentence);
}

void collect_missing(struct result *r, const struct lang *l)
{
	if (l->package)
		decide(r, VERDICT_INTERNAL_ERROR,
		       "The worker cannot run %s: its toolchain is missing; install the package %s.", l->name,
		       l->package);
	else
		decide(r, VERDICT_INTERNAL_ERROR, "The worker cannot run %s: its toolchain is missing.",
		       l->name);
}

static enum verdict verdict_of(const struct exec_report *report)
{
	switch (report->stop) {
	case EXEC_STOP_CANCELLED:
		return VERDICT_CANCELLED;
	case EXEC_STOP_MEMORY:
		return VERDICT_MEMORY_LIMIT;
	case EXEC_STOP_OUTPUT:
		return VERDICT_OUTPUT_LIMIT;
	case EXEC_STOP_CPU:
		return VERDICT_CPU_TIME_LIMIT;
	case EXEC_STOP_WALL:
		return VERDICT_WALL_TIME_LIMIT;
	case EXEC_STOP_NONE:
		break;
	}
	if (report->start_errno == 0 && report->signal == 0 && report->exit_code == 0)
		return VERDICT_OK;
	return VERDICT_RUNTIME_ERROR;
}

static void take_output(struct output *o, struct buf *from, bool truncated)
{
	o->truncated = truncated;
	if (from->len > 0)
		o->data.data = buf_detach(from, &o->data.len);
}

static void fill_step(struct step_result *step, const struct exec_report *report, struct buf *streams)
{
	step->verdict = verdict_of(report);
	/* Killed by us: whatever wait status it left is not its own. */
	step->exit_code = report->stop == EXEC_STOP_NONE && report->signal == 0 ? report->exit_code : -1;
	step->signal = report->signal;
	step->cpu_us = report->cpu_us;
	step->wall_us = report->wall_us;
	step->memory_bytes = report->memory_bytes;
	take_output(&step->out, &streams[EXEC_STDOUT], report->truncated[EXEC_STDOUT]);
	take_output(&step->err, &streams[EXEC_STDERR], report->truncated[EXEC_STDERR]);
}

static const char *truncated_streams(const struct exec_report *report)
{
	if (report->truncated[EXEC_STDOUT] && report->truncated[EXEC_STDERR])
		return "stdout and stderr";
	return report->truncated[EXEC_STDERR] ? "stderr" : "stdout";
}

/* `v` is a limit or cancelled; it becomes the job's verdict as `as`. */
static void decide_stopped(struct result *r, enum verdict as, enum verdict v, const char *who,
			   const struct limits *limits, const struct exec_report *report)
{
	if (v == VERDICT_CPU_TIME_LIMIT)
		decide(r, as, "%s used more than %" PRId64 " ms of CPU time.", who, limits->cpu_ms);
	else if (v == VERDICT_WALL_TIME_LIMIT)
		decide(r, as, "%s ran for more than %" PRId64 " ms.", who, limits->wall_ms);
	else if (v == VERDICT_MEMORY_LIMIT)
		decide(r, as, "%s used more than %" PRId64 " bytes of memory.", who, limits->memory_bytes);
	else if (v == VERDICT_OUTPUT_LIMIT)
		decide(r, as, "%s wrote more than %" PRId64 " bytes to %s.", who, limits->output_bytes,
		       truncated_streams(report));
	else
		collect_verdict(r, as, "The job was cancelled.");
}

/* Errors that come of what was submitted, whatever the command is; NULL for all others. */
static const char *submitted_fault(int error)
{
	switch (error) {
	case E2BIG:
		return "its arguments and environment are too large";
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return "its files do not fit into diskBytes and fileBytes";
	case EEXIST:
	case EISDIR:
	case ENOTDIR:
		return "one file has the name of another one's directory";
	case ENAMETOOLONG:
		return "a file's name is too long";
	default:
		return NULL;
	}
}

static const char *error_text(int error)
{
	const char *text = strerrordesc_np(error);

	return text ? text : "unknown error";
}

/* A relative path: the command is a file that the compile step made, not a program of the container. */
static bool runs_artifact(const struct lang *l)
{
	return l->compile.n > 0 && l->run.n > 0 && l->run.items[0][0] != '/' && strchr(l->run.items[0], '/');
}

/* The command could not be started. `fault` is the verdict when the submission is to blame. */
static void decide_start(struct result *r, const struct lang *l, int error, bool artifact, enum verdict fault)
{
	const char *why = submitted_fault(error);

	if (why)
		decide(r, fault, "The program could not be started: %s.", why);
	else if (artifact)
		decide(r, fault, "The compiled program could not be started: %s.", error_text(error));
	else if (error == ENOENT || error == EACCES)
		collect_missing(r, l);
	else
		decide(r, VERDICT_INTERNAL_ERROR, "The worker could not start %s: %s.", l->name,
		       error_text(error));
}

/* The compiler ended by itself, and there is nothing to run. */
static void decide_no_program(struct result *r, const struct lang *l, const struct exec_report *report)
{
	const struct step_result *step = &r->compile;

	if (step->verdict == VERDICT_OK && report->problem[0])
		decide(r, VERDICT_COMPILE_ERROR, "What the compiler made cannot be run: %s.",
		       report->problem);
	else if (step->verdict == VERDICT_OK)
		decide(r, VERDICT_COMPILE_ERROR,
		       "The compiler reported no error but did not make the file %s.",
		       l->artifacts.n > 0 ? l->artifacts.items[0] : "to run");
	else if (step->out.data.len > 0 || step->err.data.len > 0)
		collect_verdict(r, VERDICT_COMPILE_ERROR, NULL);
	else if (step->signal != 0)
		decide(r, VERDICT_COMPILE_ERROR, "The compiler was ended by signal %s (%d).",
		       signal_name(step->signal), step->signal);
	else
		decide(r, VERDICT_COMPILE_ERROR, "The compiler exited with status %d.", step->exit_code);
}

bool collect_compile(struct result *r, const struct lang *l, const struct limits *limits,
		     const struct exec_report *report, struct buf *streams)
{
	struct step_result *step = &r->compile;
	enum verdict as;

	fill_step(step, report, streams);
	r->compiled = true;
	if (report->stop != EXEC_STOP_NONE) {
		as = step->verdict == VERDICT_CANCELLED ? VERDICT_CANCELLED : VERDICT_COMPILE_ERROR;
		decide_stopped(r, as, step->verdict, "The compiler", limits, report);
		return false;
	}
	if (step->verdict == VERDICT_OK && report->artifacts_fd >= 0)
		return true;
	if (report->start_errno != 0)
		decide_start(r, l, report->start_errno, false, VERDICT_COMPILE_ERROR);
	else
		decide_no_program(r, l, report);
	step->verdict = VERDICT_COMPILE_ERROR;
	r->compiled = r->verdict == VERDICT_COMPILE_ERROR;
	return false;
}

void collect_run(struct result *r, const struct lang *l, const struct limits *limits,
		 const struct exec_report *report, struct buf *streams)
{
	struct step_result *step = &r->run;

	fill_step(step, report, streams);
	r->ran = true;
	if (report->stop != EXEC_STOP_NONE) {
		decide_stopped(r, step->verdict, step->verdict, "The program", limits, report);
	} else if (report->start_errno != 0) {
		decide_start(r, l, report->start_errno, runs_artifact(l), VERDICT_RUNTIME_ERROR);
		r->ran = r->verdict == VERDICT_RUNTIME_ERROR;
	} else if (step->verdict == VERDICT_OK || step->err.data.len > 0) {
		collect_verdict(r, step->verdict, NULL);
	} else if (step->signal != 0) {
		decide(r, step->verdict, "The program was ended by signal %s (%d).",
		       signal_name(step->signal), step->signal);
	} else {
		decide(r, step->verdict, "The program exited with status %d.", step->exit_code);
	}
}
