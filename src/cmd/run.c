/* SPDX-License-Identifier: MIT */
/* run: one program in a slot, its output passed through as it comes. */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/local.h"
#include "cmd/paths.h"
#include "cmd/rootless.h"
#include "cmd/run_args.h"
#include "cmd/run_input.h"
#include "worker/collect_result.h"
#include "worker/plan.h"

extern char **environ;

struct run {
	struct local *local;
	const struct run_args *args;
	const struct lang *lang;
	const struct submission *submission;
	int stdin_fd;
	struct result *result;
	/* the step that runs */
	struct exec_run *step;
	int streams[2]; /* where its output goes */
	bool spoke;	/* it has written something */
	struct exec_report report;
};

/* Ours may be a pipe that somebody made non-blocking. False when nobody reads any more. */
static bool pass_on(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		if (n < 0 && errno == EAGAIN)
			(void)poll(&p, 1, -1);
		else if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return true;
}

static void on_output(enum exec_stream stream, const char *data, size_t len, void *arg)
{
	struct run *r = arg;

	r->spoke = true;
	if (r->local->interrupted)
		return;
	if (!pass_on(r->streams[stream], data, len)) {
		r->local->interrupted = SIGPIPE;
		event_base_loopbreak(r->local->base);
	}
}

static void on_done(const struct exec_report *report, void *arg)
{
	struct run *r = arg;

	r->report = *report;
	r->step = NULL;
	event_base_loopbreak(r->local->base);
}

static const struct exec_events events = { .output = on_output, .done = on_done };

/* One step from start to report. -1 after the reason was told. */
static int run_step(struct run *r, const struct exec_spec *spec)
{
	bool cancelled = false;
	struct err e;

	r->spoke = false;
	do {
		if (local_wait_ready(r->local, &e) < 0)
			break;
		r->step = executor_start(r->local->executor, spec, &events, r, &e);
	} while (!r->step && e.kind == ERR_BUSY);
	if (!r->step)
		return r->local->interrupted ? -1 : cmd_fail(-1, "%s", e.msg);
	while (r->step) {
		if (r->local->interrupted && !cancelled) {
			executor_cancel(r->step);
			cancelled = true;
		}
		event_base_dispatch(r->local->base);
	}
	if (r->report.lost)
		return r->local->interrupted ? -1
					     : cmd_fail(-1, "the container was lost: %s", r->report.problem);
	return 0;
}

/* The compiler's words all go to standard error: standard output is the program's. */
static int compile(struct run *r, int *ret_artifacts, bool *ret_go_on)
{
	struct buf streams[2];
	struct exec_spec spec;
	struct plan plan;
	int rc;

	if (!plan_compile(&plan, r->lang, r->submission, NULL))
		return cmd_fail(-1, "out of memory");
	spec = plan_spec(&plan, r->submission->id);
	r->streams[EXEC_STDOUT] = r->streams[EXEC_STDERR] = STDERR_FILENO;
	rc = run_step(r, &spec);
	if (rc == 0) {
		buf_init(&streams[0], 1);
		buf_init(&streams[1], 1);
		*ret_go_on = collect_compile(r->result, r->lang, &plan.limits, &r->report, streams);
		*ret_artifacts = r->report.artifacts_fd;
	}
	plan_done(&plan);
	return rc;
}

static int execute(struct run *r, int artifacts)
{
	struct buf streams[2];
	struct exec_spec spec;
	struct plan plan;
	int rc;

	if (!plan_run(&plan, r->lang, r->submission))
		return cmd_fail(-1, "out of memory");
	spec = plan_spec(&plan, r->submission->id);
	spec.artifacts_fd = artifacts;
	spec.stdin_fd = r->stdin_fd;
	r->streams[EXEC_STDOUT] = STDOUT_FILENO;
	r->streams[EXEC_STDERR] = STDERR_FILENO;
	rc = run_step(r, &spec);
	if (rc == 0) {
		buf_init(&streams[0], 1);
		buf_init(&streams[1], 1);
		collect_run(r->result, r->lang, &plan.limits, &r->report, streams);
		if (r->report.artifacts_fd >= 0)
			(void)close(r->report.artifacts_fd);
	}
	plan_done(&plan);
	return rc;
}

static int run_steps(struct run *r)
{
	AUTO_CLOSE int artifacts = -1;
	bool go_on = true;

	if (plan_has_compile(r->lang) && compile(r, &artifacts, &go_on) < 0)
		return -1;
	return go_on ? execute(r, artifacts) : 0;
}

/* Our own sentence, where neither the program nor the compiler has said it. */
static void tell_verdict(const struct run *r)
{
	bool by_itself = r->report.stop == EXEC_STOP_NONE && r->report.start_errno == 0;
	bool told = by_itself && (r->result->ran || r->spoke);

	if (r->result->message && !told)
		cmd_fail(0, "%s", r->result->message);
}

static void tell_summary(const struct run *r)
{
	const struct result *result = r->result;
	const struct step_result *s = result->ran ? &result->run : &result->compile;
	char end[40] = "killed";

	if (s->exit_code >= 0)
		snprintf(end, sizeof(end), "exit %d", s->exit_code);
	else if (s->signal > 0)
		snprintf(end, sizeof(end), "signal %s", signal_name(s->signal));
	fprintf(stderr, "%s: %s, cpu %.1f ms, wall %.1f ms, memory %.1f MiB%s\n",
		verdict_name(result->verdict), end, (double)s->cpu_us / 1000, (double)s->wall_us / 1000,
		(double)s->memory_bytes / (1 << 20), result->ran ? "" : " (compile step)");
}

static int in_container(struct local *l, void *arg)
{
	struct run *r = arg;
	int code = RUN_EXIT_FAILED;

	(void)signal(SIGPIPE, SIG_IGN);
	r->local = l;
	r->result = result_new();
	if (!r->result)
		return cmd_fail(RUN_EXIT_FAILED, "out of memory");
	if (run_steps(r) == 0 && !l->interrupted) {
		const struct step_result *s = &r->result->run;

		tell_verdict(r);
		if (r->args->summary)
			tell_summary(r);
		code = r->report.start_errno ? RUN_EXIT_NOT_STARTED
					     : run_exit_status(r->result->verdict, s->exit_code, s->signal);
	}
	if (l->interrupted)
		code = RUN_EXIT_SIGNAL + l->interrupted;
	result_unref(r->result);
	return code;
}

static int run_file(const struct conf *conf, const struct run_args *args, const struct lang_table *langs)
{
	AUTO(submission_unref_p) struct submission *s = NULL;
	AUTO_CLOSE int input = -1;
	struct run r = { .args = args };
	bool empty;
	struct err e;

	r.lang = run_choose_language(langs, args, &e);
	if (r.lang)
		r.submission = s = run_read_submission(args, r.lang, conf, &e);
	if (!s)
		return cmd_fail(RUN_EXIT_FAILED, "%s", e.msg);
	r.stdin_fd = input = run_read_stdin(args, &empty, &e);
	if (input < 0 && !empty)
		return cmd_fail(RUN_EXIT_FAILED, "%s", e.msg);
	return local_run(conf, 1, in_container, &r, RUN_EXIT_FAILED);
}

static int run_with(const struct conf *conf, const struct run_args *args)
{
	AUTO_FREE char *dir = paths_languages_dir(conf);
	AUTO(lang_table_free_p) struct lang_table *langs = NULL;
	struct err e = { .msg = "out of memory" };

	langs = dir ? lang_table_load(dir, &e) : NULL;
	if (!langs)
		return cmd_fail(RUN_EXIT_FAILED, "%s", e.msg);
	return run_file(conf, args, langs);
}

int cmd_run(int argc, char *argv[])
{
	struct conf conf;
	struct run_args args;
	struct err e;
	int code;

	if (conf_load(&conf, environ, &argc, argv, &e) < 0)
		return cmd_fail(RUN_EXIT_FAILED, "%s", e.msg);
	cmd_be_quiet(&conf);
	if (rootless_adapt(&conf, &e) < 0 || run_args_parse(argc, argv, &args, &e) < 0) {
		code = cmd_fail(RUN_EXIT_FAILED, "%s", e.msg);
	} else {
		code = run_with(&conf, &args);
		run_args_done(&args);
	}
	conf_done(&conf);
	return code;
}
