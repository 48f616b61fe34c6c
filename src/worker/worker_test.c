/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "worker/fakes.h"
#include "worker/sample.h"

static const char *const python_files[] = { "main.py", NULL };
static const char *const c_files[] = { "main.c", "data.txt", NULL };

struct scene {
	struct event_base *base;
	struct flow flow;
	struct fake_executor x;
	struct lang_table langs;
	struct worker *w;
	int probed, drained;
};

static void count(void *arg)
{
	++*(int *)arg;
}

/* Everything that is due now. */
static void turn(struct scene *s)
{
	assert_true(event_base_loop(s->base, EVLOOP_NONBLOCK) >= 0);
}

static void begin(struct scene *s, unsigned concurrency, unsigned slots)
{
	const struct worker_options options = { .concurrency = concurrency,
						.probed = count,
						.arg = &s->probed };
	struct err e = { 0 };

	log_setup(LOG_ERROR, false, "test");
	*s = (struct scene){ .base = event_base_new() };
	s->langs = (struct lang_table){ calloc(2, sizeof(struct lang)), 2 };
	s->langs.langs[0] = sample_lang(SAMPLE_C);
	s->langs.langs[1] = sample_lang(SAMPLE_PYTHON);
	fake_flow_init(&s->flow);
	fake_executor_init(&s->x, slots);
	s->w = worker_new(s->base, &s->flow, &s->x.executor, &s->langs, &options, &e);
	assert_non_null(s->w);
	turn(s);
}

static void end(struct scene *s)
{
	executor_free(&s->x.executor);
	worker_free(s->w);
	fake_flow_done(&s->flow);
	for (size_t i = 0; i < s->langs.n; i++)
		lang_done(&s->langs.langs[i]);
	free(s->langs.langs);
	event_base_free(s->base);
	libevent_global_shutdown();
}

/* A worker that knows its languages and has run nothing. */
static void begin_probed(struct scene *s, unsigned concurrency, unsigned slots)
{
	begin(s, concurrency, slots);
	for (size_t i = 0; i < 2; i++) {
		fake_run_print(&s->x, i, EXEC_STDOUT, "v3.11.2\n");
		fake_run_end(&s->x, i, (struct exec_report){ 0 });
		turn(s);
	}
	assert_int_equal(s->probed, 1);
	s->x.n_runs = 0;
}

static struct fake_job *give(struct scene *s, const char *language)
{
	size_t n = s->flow.n_jobs;

	assert_true(fake_flow_give(
		&s->flow, sample_submission(language, strcmp(language, "c") ? python_files : c_files)));
	turn(s);
	return &s->flow.jobs[n];
}

static int some_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

TEST(no_job_is_taken_before_the_languages_are_known)
{
	struct scene s;

	begin(&s, 2, 1);
	assert_int_equal(s.x.n_runs, 1);
	assert_string_equal(s.x.runs[0].command, "gcc -dumpfullversion");
	assert_int_equal(fake_flow_asked(&s.flow), 0);
	fake_run_print(&s.x, 0, EXEC_STDERR, "12.2.0\n");
	fake_run_end(&s.x, 0, (struct exec_report){ 0 });
	turn(&s);
	assert_string_equal(s.x.runs[1].command, "python3 --version");
	assert_int_equal(fake_flow_asked(&s.flow), 0);
	fake_run_end(&s.x, 1, (struct exec_report){ .start_errno = 2, .exit_code = -1 });
	turn(&s);
	assert_int_equal(s.probed, 1);
	assert_int_equal(fake_flow_asked(&s.flow), 1);
	assert_true(s.langs.langs[0].available);
	assert_string_equal(s.langs.langs[0].version, "12.2.0");
	assert_false(s.langs.langs[1].available);
	end(&s);
}

TEST(a_probe_that_is_lost_is_repeated_a_few_times)
{
	struct scene s;

	begin(&s, 1, 1);
	/* A spawner that died before the start says nothing about the toolchain. */
	for (size_t i = 0; i < 5; i++) {
		fake_run_end(&s.x, i, (struct exec_report){ .lost = true });
		turn(&s);
	}
	for (size_t i = 5; i < 8; i++) {
		assert_string_equal(s.x.runs[i].command, "gcc -dumpfullversion");
		fake_run_end(&s.x, i, (struct exec_report){ .lost = true, .started = true });
		turn(&s);
	}
	assert_string_equal(s.x.runs[8].command, "python3 --version");
	fake_run_end(&s.x, 8, (struct exec_report){ .exit_code = 1 });
	turn(&s);
	assert_int_equal(s.probed, 1);
	assert_false(s.langs.langs[0].available);
	assert_false(s.langs.langs[1].available);
	end(&s);
}

TEST(an_interpreted_job_ends_with_its_output_and_the_facts_of_its_run)
{
	const struct exec_report report = { .cpu_us = 11, .wall_us = 22, .memory_bytes = 33 };
	struct submission *sub = sample_submission("python", python_files);
	const struct result *r;
	struct scene s;

	begin_probed(&s, 1, 2);
	assert_true(bytes_set(&sub->input, "input", 5));
	assert_true(fake_flow_give(&s.flow, sub));
	assert_string_equal(s.x.runs[0].command, "python3 main.py 256");
	assert_int_equal(s.x.runs[0].stdin_len, 5);
	assert_int_equal(s.x.runs[0].limits.output_bytes, 100);
	fake_run_print(&s.x, 0, EXEC_STDOUT, "on");
	fake_run_print(&s.x, 0, EXEC_STDERR, "warn");
	fake_run_print(&s.x, 0, EXEC_STDOUT, "e");
	fake_run_end(&s.x, 0, report);
	r = s.flow.jobs[0].result;
	assert_non_null(r);
	assert_int_equal(r->verdict, VERDICT_OK);
	assert_null(r->message);
	assert_true(r->ran);
	assert_false(r->compiled);
	assert_string_equal(r->run.out.data.data, "one");
	assert_string_equal(r->run.err.data.data, "warn");
	assert_int_equal(r->run.cpu_us, 11);
	assert_int_equal(r->run.wall_us, 22);
	assert_int_equal(r->run.memory_bytes, 33);
	assert_string_equal(r->id, sub->id);
	assert_string_equal(r->language, "python");
	assert_string_equal(r->version, "3.11.2");
	assert_int_equal(r->attempts, 2);
	assert_int_equal(r->created_ms, 1000);
	assert_int_equal(r->started_ms, 5000);
	assert_true(r->finished_ms > r->started_ms);
	turn(&s);
	assert_int_equal(fake_flow_asked(&s.flow), 1);
	end(&s);
}

TEST(a_compiled_job_passes_its_artifacts_on_and_closes_them)
{
	int artifacts = some_fd();
	const struct result *r;
	struct scene s;

	begin_probed(&s, 1, 2);
	(void)give(&s, "c");
	assert_string_equal(s.x.runs[0].command, "gcc -o main main.c");
	assert_int_equal(s.x.runs[0].n_files, 2);
	assert_int_equal(s.x.runs[0].limits.cpu_ms, 30000);
	assert_false(s.x.runs[0].has_artifacts);
	fake_run_print(&s.x, 0, EXEC_STDERR, "warning");
	fake_run_end(&s.x, 0, (struct exec_report){ .artifacts_fd = artifacts });
	assert_string_equal(s.x.runs[1].command, "./main");
	assert_true(s.x.runs[1].has_artifacts);
	assert_int_equal(s.x.runs[1].n_files, 1);
	fake_run_print(&s.x, 1, EXEC_STDOUT, "42");
	fake_run_end(&s.x, 1, (struct exec_report){ .exit_code = 3 });
	assert_int_equal(fcntl(artifacts, F_GETFD), -1);
	r = s.flow.jobs[0].result;
	assert_int_equal(r->verdict, VERDICT_RUNTIME_ERROR);
	assert_string_equal(r->message, "The program exited with status 3.");
	assert_int_equal(r->compile.verdict, VERDICT_OK);
	assert_string_equal(r->compile.err.data.data, "warning");
	assert_string_equal(r->run.out.data.data, "42");
	assert_null(r->run.err.data.data);
	end(&s);
}

TEST(a_compile_error_ends_the_job_without_a_run)
{
	const struct result *r;
	struct scene s;

	begin_probed(&s, 1, 2);
	(void)give(&s, "c");
	fake_run_print(&s.x, 0, EXEC_STDERR, "error");
	fake_run_end(&s.x, 0, (struct exec_report){ .exit_code = 1 });
	assert_int_equal(s.x.n_runs, 1);
	r = s.flow.jobs[0].result;
	assert_int_equal(r->verdict, VERDICT_COMPILE_ERROR);
	assert_true(r->compiled);
	assert_false(r->ran);
	end(&s);
}

TEST(a_step_that_finds_no_slot_waits_for_one)
{
	struct scene s;

	begin_probed(&s, 1, 1);
	(void)give(&s, "c");
	fake_executor_ready(&s.x, 0);
	s.x.runs[0].over = true;
	s.x.runs[0].events->done(&(struct exec_report){ .artifacts_fd = some_fd() }, s.x.runs[0].arg);
	turn(&s);
	assert_int_equal(s.x.n_runs, 1);
	assert_int_equal(s.x.n_busy, 0);
	fake_executor_ready(&s.x, 1);
	turn(&s);
	assert_int_equal(s.x.n_runs, 2);
	fake_run_end(&s.x, 1, (struct exec_report){ 0 });
	assert_int_equal(s.flow.jobs[0].result->verdict, VERDICT_OK);
	end(&s);
}

TEST(jobs_are_asked_for_only_while_there_are_seats_and_slots_for_them)
{
	struct scene s;

	begin_probed(&s, 3, 2);
	assert_int_equal(fake_flow_asked(&s.flow), 2);
	(void)give(&s, "python");
	assert_int_equal(fake_flow_asked(&s.flow), 1);
	fake_executor_ready(&s.x, 5);
	turn(&s);
	assert_int_equal(fake_flow_asked(&s.flow), 2);
	/* The spawner is gone. */
	s.x.slots = 0;
	fake_executor_ready(&s.x, 0);
	turn(&s);
	assert_int_equal(fake_flow_asked(&s.flow), 0);
	fake_run_end(&s.x, 0, (struct exec_report){ 0 });
	end(&s);
}

TEST(what_this_worker_cannot_run_ends_as_internal_error_with_the_reason)
{
	struct submission *sub;
	struct scene s;

	begin_probed(&s, 1, 2);
	s.langs.langs[0].available = false;
	(void)give(&s, "c");
	assert_string_equal(s.flow.jobs[0].result->message,
			    "The worker cannot run c: its toolchain is missing; install the package gcc.");
	(void)give(&s, "cobol");
	assert_string_equal(s.flow.jobs[1].result->message, "The worker does not know the language cobol.");
	assert_string_equal(s.flow.jobs[1].result->language, "cobol");
	sub = sample_submission("python", python_files);
	sub->version = strdup("3.12");
	assert_true(fake_flow_give(&s.flow, sub));
	turn(&s);
	assert_string_equal(s.flow.jobs[2].result->message,
			    "The worker has python in version 3.11.2, not 3.12.");
	s.x.refuse = ERR_LIMIT;
	(void)give(&s, "python");
	assert_string_equal(s.flow.jobs[3].result->message, "The test refuses.");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(s.flow.jobs[i].result->verdict, VERDICT_INTERNAL_ERROR);
	assert_int_equal(s.x.n_runs, 0);
	end(&s);
}

TEST(a_lost_run_gives_its_job_back_and_blames_it_only_if_it_may_be_the_cause)
{
	static const struct {
		struct exec_report report;
		bool blameless;
	} rows[] = {
		{ { .lost = true, .problem = "gone" }, true },
		{ { .lost = true, .started = true, .problem = "gone" }, false },
		{ { .lost = true, .refused = true, .problem = "gone" }, false },
	};
	struct scene s;

	begin_probed(&s, 4, 4);
	for (size_t i = 0; i < 3; i++)
		(void)give(&s, "python");
	for (size_t i = 0; i < 3; i++) {
		fake_run_end(&s.x, i, rows[i].report);
		assert_true(s.flow.jobs[i].over);
		assert_null(s.flow.jobs[i].result);
		assert_int_equal(s.flow.jobs[i].blameless, rows[i].blameless);
		assert_string_equal(s.flow.jobs[i].reason, "gone");
	}
	end(&s);
}

TEST(after_a_loss_the_worker_pauses_before_it_asks_again)
{
	struct scene s;

	begin_probed(&s, 2, 2);
	(void)give(&s, "python");
	fake_run_end(&s.x, 0, (struct exec_report){ .lost = true });
	turn(&s);
	assert_int_equal(fake_flow_asked(&s.flow), 0);
	/* Nothing else is pending: the loop turns once, when the pause is over. */
	while (fake_flow_asked(&s.flow) == 0)
		assert_int_equal(event_base_loop(s.base, EVLOOP_ONCE), 0);
	assert_int_equal(fake_flow_asked(&s.flow), 2);
	end(&s);
}

TEST(a_start_that_fails_for_a_reason_of_the_host_counts_an_attempt)
{
	struct scene s;

	begin_probed(&s, 1, 1);
	s.x.refuse = ERR_IO;
	(void)give(&s, "python");
	assert_true(s.flow.jobs[0].over);
	assert_null(s.flow.jobs[0].result);
	assert_false(s.flow.jobs[0].blameless);
	end(&s);
}

TEST(a_cancelled_job_is_killed_and_ends_as_cancelled)
{
	struct fake_job *job;
	struct scene s;

	begin_probed(&s, 4, 4);
	job = give(&s, "python");
	job->cancel(job->cancel_arg);
	assert_true(s.x.runs[0].cancelled);
	fake_run_print(&s.x, 0, EXEC_STDOUT, "partial");
	fake_run_end(&s.x, 0, (struct exec_report){ .stop = EXEC_STOP_CANCELLED, .exit_code = -1 });
	assert_int_equal(job->result->verdict, VERDICT_CANCELLED);
	assert_string_equal(job->result->message, "The job was cancelled.");
	assert_string_equal(job->result->run.out.data.data, "partial");

	job = give(&s, "python");
	job->cancel(job->cancel_arg);
	fake_run_end(&s.x, 1, (struct exec_report){ 0 });
	assert_int_equal(job->result->verdict, VERDICT_CANCELLED);

	job = give(&s, "c");
	job->cancel(job->cancel_arg);
	fake_run_end(&s.x, 2, (struct exec_report){ .artifacts_fd = some_fd() });
	assert_int_equal(job->result->verdict, VERDICT_CANCELLED);
	assert_int_equal(s.x.n_runs, 3);

	job = give(&s, "python");
	job->cancel(job->cancel_arg);
	fake_run_end(&s.x, 3, (struct exec_report){ .lost = true, .started = true });
	assert_int_equal(job->result->verdict, VERDICT_CANCELLED);
	end(&s);
}

TEST(a_job_that_is_cancelled_while_it_waits_ends_at_once)
{
	struct fake_job *job;
	struct scene s;

	begin_probed(&s, 1, 1);
	s.x.ready = 0;
	job = give(&s, "python");
	assert_false(job->over);
	job->cancel(job->cancel_arg);
	assert_int_equal(job->result->verdict, VERDICT_CANCELLED);
	assert_false(job->result->ran);
	end(&s);
}

TEST(a_shutdown_lets_running_jobs_end_and_then_tells)
{
	struct fake_job *running, *waiting;
	struct scene s;

	begin_probed(&s, 3, 3);
	running = give(&s, "python");
	s.x.ready = 0;
	waiting = give(&s, "python");
	worker_drain(s.w, 60000, count, &s.drained);
	assert_int_equal(fake_flow_asked(&s.flow), 0);
	assert_true(waiting->over && waiting->blameless && !waiting->result);
	turn(&s);
	assert_int_equal(s.drained, 0);
	assert_int_equal(worker_running(s.w), 1);
	fake_run_end(&s.x, 0, (struct exec_report){ 0 });
	assert_int_equal(s.drained, 0);
	turn(&s);
	assert_int_equal(s.drained, 1);
	assert_int_equal(running->result->verdict, VERDICT_OK);
	assert_int_equal(fake_flow_asked(&s.flow), 0);
	end(&s);
}

TEST(at_the_deadline_of_a_shutdown_jobs_are_killed_and_given_back_without_blame)
{
	struct fake_job *killed, *ended;
	struct scene s;

	begin_probed(&s, 3, 3);
	killed = give(&s, "python");
	ended = give(&s, "python");
	worker_drain(s.w, 0, count, &s.drained);
	while (!s.x.runs[0].cancelled)
		assert_int_equal(event_base_loop(s.base, EVLOOP_ONCE), 0);
	assert_int_equal(s.drained, 0);
	fake_run_end(&s.x, 0, (struct exec_report){ .stop = EXEC_STOP_CANCELLED, .exit_code = -1 });
	fake_run_end(&s.x, 1, (struct exec_report){ 0 });
	turn(&s);
	assert_int_equal(s.drained, 1);
	assert_true(killed->blameless && !killed->result);
	assert_int_equal(ended->result->verdict, VERDICT_OK);
	end(&s);
}

TEST(a_shutdown_ends_even_when_no_report_comes)
{
	const struct fake_job *job;
	struct scene s;

	begin_probed(&s, 1, 1);
	job = give(&s, "python");
	worker_drain(s.w, 0, count, &s.drained);
	while (s.drained == 0)
		assert_int_equal(event_base_loop(s.base, EVLOOP_ONCE), 0);
	assert_true(job->over && job->blameless && !job->result);
	end(&s);
}

UNIT_MAIN(T(no_job_is_taken_before_the_languages_are_known), T(a_probe_that_is_lost_is_repeated_a_few_times),
	  T(an_interpreted_job_ends_with_its_output_and_the_facts_of_its_run),
	  T(a_compiled_job_passes_its_artifacts_on_and_closes_them),
	  T(a_compile_error_ends_the_job_without_a_run), T(a_step_that_finds_no_slot_waits_for_one),
	  T(jobs_are_asked_for_only_while_there_are_seats_and_slots_for_them),
	  T(what_this_worker_cannot_run_ends_as_internal_error_with_the_reason),
	  T(a_lost_run_gives_its_job_back_and_blames_it_only_if_it_may_be_the_cause),
	  T(after_a_loss_the_worker_pauses_before_it_asks_again),
	  T(a_start_that_fails_for_a_reason_of_the_host_counts_an_attempt),
	  T(a_cancelled_job_is_killed_and_ends_as_cancelled),
	  T(a_job_that_is_cancelled_while_it_waits_ends_at_once),
	  T(a_shutdown_lets_running_jobs_end_and_then_tells),
	  T(at_the_deadline_of_a_shutdown_jobs_are_killed_and_given_back_without_blame),
	  T(a_shutdown_ends_even_when_no_report_comes))
