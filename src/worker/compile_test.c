/* SPDX-License-Identifier: MIT */
/* The worker with a compile cache and with precompiled headers; the executor is played, the files are real.
 */
#include "worker/worker.h"

#include <event2/event.h>

#include "base/log.h"
#include "cache/cache.h"
#include "cache/testing.h"
#include "sandbox/config.h"
#include "worker/fakes.h"
#include "worker/precompile.h"
#include "worker/sample.h"

#define COMPILE "gcc -o main main.c"

#define SAMPLE_HEADERS                                                                                    \
	"{\"name\":\"c\",\"extensions\":[\".c\"],\"source\":\"main.c\",\"compile\":{\"argv\":[\"gcc\","   \
	"\"{precompiled}\",\"-o\",\"{artifact}\",\"{sources}\",\"{flags}\"],\"artifacts\":[\"main\"],"    \
	"\"flags\":[\"-O2\"],\"precompile\":{\"headers\":[\"all.h\"],\"argv\":[\"gcc\",\"-include\","     \
	"\"{header}\",\"-o\",\"{artifact}\"],\"file\":\"{header}.gch\",\"stub\":\"#include_next "         \
	"<{header}>\",\"use\":\"-isystem{directory}\"}},\"run\":[\"./{artifact}\"],\"version\":[\"gcc\"," \
	"\"-dumpfullversion\"]}"

static const char *const c_files[] = { "main.c", NULL };

struct scene {
	struct place place; /* also the root file system */
	int rootfs;
	struct event_base *base;
	struct flow flow;
	struct fake_executor x;
	struct lang_table langs;
	struct cache *cache;
	struct precompile *precompile;
	struct worker *w;
};

static void write_file(struct scene *s, const char *name, const char *text)
{
	int fd = openat(s->rootfs, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(spec_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static void make_root(struct scene *s)
{
	static const char *const dirs[] = { "usr", "usr/bin", "headers" };

	place_make(&s->place);
	s->rootfs = open(s->place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(s->rootfs >= 0);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		assert_int_equal(mkdirat(s->rootfs, dirs[i], 0755), 0);
	write_file(s, "usr/bin/gcc", "a compiler");
}

static void open_cache(struct scene *s)
{
	char path[128];
	const struct cache_options options = { .path = path, .max_bytes = 1 << 20, .rootfs = s->rootfs };
	struct err e = { 0 };

	snprintf(path, sizeof(path), "%s/cache", s->place.path);
	s->cache = cache_new(s->base, &options, &e);
	if (!s->cache)
		fail_msg("%s", e.msg);
}

static void open_precompile(struct scene *s)
{
	char path[128];
	const struct precompile_options options = { .path = path, .rootfs = s->rootfs };
	struct err e = { 0 };

	snprintf(path, sizeof(path), "%s/headers", s->place.path);
	s->precompile = precompile_new(s->base, &s->x.executor, &s->langs, &options, &e);
	if (!s->precompile)
		fail_msg("%s", e.msg);
}

/* What is due, without waiting. */
static void turn(struct scene *s)
{
	assert_true(event_base_loop(s->base, EVLOOP_NONBLOCK) >= 0);
}

/* Waits for the next thing that a thread or a timer brings. */
static void wait_once(struct scene *s)
{
	assert_int_equal(event_base_loop(s->base, EVLOOP_ONCE), 0);
}

static void begin(struct scene *s, const char *language, unsigned slots, bool precompile)
{
	struct worker_options options = { .concurrency = 4 };
	struct err e = { 0 };

	log_setup(LOG_ERROR, false, "test");
	*s = (struct scene){ .base = event_base_new() };
	make_root(s);
	s->langs = (struct lang_table){ calloc(1, sizeof(struct lang)), 1 };
	s->langs.langs[0] = sample_lang(language);
	fake_flow_init(&s->flow);
	fake_executor_init(&s->x, slots);
	if (precompile)
		open_precompile(s);
	else
		open_cache(s);
	options.cache = s->cache;
	options.precompile = s->precompile;
	s->w = worker_new(s->base, &s->flow, &s->x.executor, &s->langs, &options, &e);
	assert_non_null(s->w);
	turn(s);
	fake_run_end(&s->x, 0, (struct exec_report){ 0 }); /* the probe */
	turn(s);
	s->x.n_runs = 0;
}

static void end(struct scene *s)
{
	executor_free(&s->x.executor);
	worker_free(s->w);
	precompile_free(s->precompile);
	cache_free(s->cache);
	fake_flow_done(&s->flow);
	lang_done(&s->langs.langs[0]);
	free(s->langs.langs);
	event_base_free(s->base);
	libevent_global_shutdown();
	close(s->rootfs);
	place_remove(&s->place);
}

static struct fake_job *give(struct scene *s, const char *text)
{
	size_t n = s->flow.n_jobs;
	struct submission *sub = sample_submission("c", c_files);

	assert_true(bytes_set(&sub->files[0].content, text, strlen(text)));
	assert_true(fake_flow_give(&s->flow, sub));
	turn(s);
	return &s->flow.jobs[n];
}

static void wait_for_runs(struct scene *s, size_t n)
{
	while (s->x.n_runs < n)
		wait_once(s);
	assert_int_equal(s->x.n_runs, n);
}

static void wait_for_waiting(struct scene *s, int64_t n)
{
	struct cache_counts counts;

	for (cache_count(s->cache, &counts); counts.waiting < n; cache_count(s->cache, &counts))
		wait_once(s);
}

static struct exec_report compiled(void)
{
	return (struct exec_report){ .artifacts_fd = make_set("main", "program", 7), .cpu_us = 5 };
}

/* The run with this number ends, and what follows from it happens. */
static void end_run(struct scene *s, size_t run, struct exec_report report)
{
	fake_run_end(&s->x, run, report);
	turn(s);
}

TEST(the_second_submit_of_a_source_is_run_and_not_compiled)
{
	struct scene s;
	const struct result *r;

	begin(&s, SAMPLE_C, 2, false);
	(void)give(&s, "one");
	wait_for_runs(&s, 1);
	assert_string_equal(s.x.runs[0].command, COMPILE);
	fake_run_print(&s.x, 0, EXEC_STDERR, "warning");
	end_run(&s, 0, compiled());
	assert_string_equal(s.x.runs[1].command, "./main");
	end_run(&s, 1, (struct exec_report){ 0 });
	assert_false(s.flow.jobs[0].result->compile.cached);

	(void)give(&s, "one");
	wait_for_runs(&s, 3);
	assert_string_equal(s.x.runs[2].command, "./main");
	assert_true(s.x.runs[2].has_artifacts);
	end_run(&s, 2, (struct exec_report){ 0 });
	r = s.flow.jobs[1].result;
	assert_int_equal(r->verdict, VERDICT_OK);
	assert_true(r->compiled && r->compile.cached);
	assert_string_equal(r->compile.err.data.data, "warning");
	assert_int_equal(r->compile.cpu_us, 5);

	(void)give(&s, "two");
	wait_for_runs(&s, 4);
	assert_string_equal(s.x.runs[3].command, COMPILE);
	end(&s);
}

TEST(a_compile_error_is_given_again_without_a_compiler)
{
	struct scene s;
	const struct result *r;

	begin(&s, SAMPLE_C, 2, false);
	(void)give(&s, "bad");
	wait_for_runs(&s, 1);
	fake_run_print(&s.x, 0, EXEC_STDERR, "error");
	end_run(&s, 0, (struct exec_report){ .exit_code = 1 });
	(void)give(&s, "bad");
	while (!s.flow.jobs[1].over)
		wait_once(&s);
	assert_int_equal(s.x.n_runs, 1);
	r = s.flow.jobs[1].result;
	assert_int_equal(r->verdict, VERDICT_COMPILE_ERROR);
	assert_true(r->compile.cached);
	assert_int_equal(r->compile.exit_code, 1);
	assert_string_equal(r->compile.err.data.data, "error");
	end(&s);
}

/* What a second attempt may do better. */
TEST(limits_signals_losses_and_cut_output_are_not_kept)
{
	static const struct exec_report reports[] = {
		{ .stop = EXEC_STOP_CPU, .exit_code = -1 },
		{ .stop = EXEC_STOP_WALL, .exit_code = -1 },
		{ .stop = EXEC_STOP_MEMORY, .exit_code = -1 },
		{ .stop = EXEC_STOP_OUTPUT, .exit_code = -1, .truncated = { true } },
		{ .exit_code = 1, .truncated = { false, true } },
		{ .signal = 11, .exit_code = -1 },
		{ .start_errno = 28, .exit_code = -1 },
		{ .exit_code = 0 }, /* and no artefact */
		{ .lost = true, .started = true, .exit_code = -1 },
	};
	struct scene s;
	const size_t n = sizeof(reports) / sizeof(reports[0]);

	begin(&s, SAMPLE_C, 2, false);
	for (size_t i = 0; i < n; i++) {
		(void)give(&s, "one");
		wait_for_runs(&s, i + 1);
		assert_string_equal(s.x.runs[i].command, COMPILE);
		end_run(&s, i, reports[i]);
		assert_true(s.flow.jobs[i].over);
	}
	end(&s);
}

TEST(of_two_at_once_one_compiles_and_the_other_keeps_no_slot)
{
	struct scene s;
	struct cache_counts counts;

	begin(&s, SAMPLE_C, 3, false);
	(void)give(&s, "one");
	wait_for_runs(&s, 1);
	(void)give(&s, "one");
	wait_for_waiting(&s, 1);
	/* Two slots are free and two seats: who waits for a compiler lacks neither. */
	assert_int_equal(fake_flow_asked(&s.flow), 2);
	end_run(&s, 0, compiled());
	assert_int_equal(s.x.n_runs, 3);
	assert_string_equal(s.x.runs[1].command, "./main");
	assert_string_equal(s.x.runs[2].command, "./main");
	end_run(&s, 1, (struct exec_report){ 0 });
	end_run(&s, 2, (struct exec_report){ 0 });
	assert_int_not_equal(s.flow.jobs[0].result->compile.cached, s.flow.jobs[1].result->compile.cached);
	cache_count(s.cache, &counts);
	assert_int_equal(counts.misses, 1);
	assert_int_equal(counts.hits, 1);
	end(&s);
}

TEST(a_cancelled_leader_hands_over)
{
	struct scene s;
	struct fake_job *first;

	begin(&s, SAMPLE_C, 3, false);
	first = give(&s, "one");
	wait_for_runs(&s, 1);
	(void)give(&s, "one");
	wait_for_waiting(&s, 1);
	first->cancel(first->cancel_arg);
	assert_true(s.x.runs[0].cancelled);
	end_run(&s, 0, (struct exec_report){ .stop = EXEC_STOP_CANCELLED, .exit_code = -1 });
	assert_int_equal(first->result->verdict, VERDICT_CANCELLED);
	assert_int_equal(s.x.n_runs, 2);
	assert_string_equal(s.x.runs[1].command, COMPILE);
	end_run(&s, 1, compiled());
	assert_string_equal(s.x.runs[2].command, "./main");
	end_run(&s, 2, (struct exec_report){ 0 });
	assert_int_equal(s.flow.jobs[1].result->verdict, VERDICT_OK);
	end(&s);
}

TEST(who_waits_for_a_leader_can_be_cancelled)
{
	struct scene s;
	struct fake_job *second;

	begin(&s, SAMPLE_C, 3, false);
	(void)give(&s, "one");
	wait_for_runs(&s, 1);
	second = give(&s, "one");
	wait_for_waiting(&s, 1);
	second->cancel(second->cancel_arg);
	assert_int_equal(second->result->verdict, VERDICT_CANCELLED);
	end_run(&s, 0, compiled());
	assert_int_equal(s.x.n_runs, 2);
	end(&s);
}

TEST(a_shutdown_gives_back_who_waits_for_a_leader)
{
	struct scene s;

	begin(&s, SAMPLE_C, 3, false);
	(void)give(&s, "one");
	wait_for_runs(&s, 1);
	(void)give(&s, "one");
	wait_for_waiting(&s, 1);
	worker_drain(s.w, 60000, NULL, NULL);
	assert_true(s.flow.jobs[1].over && s.flow.jobs[1].blameless);
	assert_false(s.flow.jobs[0].over);
	end(&s);
}

/* ---- precompiled headers ---- */

#define BUILD "gcc -include all.h -o main"

static struct exec_report precompiled(void)
{
	return (struct exec_report){ .artifacts_fd = make_set("main", "header", 6) };
}

static void wait_for_ready(struct scene *s, unsigned n)
{
	struct precompile_counts counts;

	for (precompile_count(s->precompile, &counts); counts.ready < n;
	     precompile_count(s->precompile, &counts))
		wait_once(s);
}

static void build_headers(struct scene *s)
{
	wait_for_runs(s, 1);
	assert_string_equal(s->x.runs[0].command, BUILD);
	end_run(s, 0, precompiled());
	wait_for_ready(s, 1);
}

TEST(an_idle_worker_precompiles_and_later_compiles_are_told)
{
	struct scene s;
	struct submission *own;

	begin(&s, SAMPLE_HEADERS, 2, true);
	build_headers(&s);
	(void)give(&s, "one");
	assert_memory_equal(s.x.runs[1].command, "gcc -isystem" SANDBOX_HEADERS "/",
			    strlen("gcc -isystem" SANDBOX_HEADERS "/"));
	assert_string_equal(strstr(s.x.runs[1].command, " -o"), " -o main main.c");

	/* With flags of its own it would not fit. */
	own = sample_submission("c", c_files);
	assert_true(strings_add(&own->compiler_flags, "-O2"));
	assert_true(fake_flow_give(&s.flow, own));
	turn(&s);
	assert_string_equal(s.x.runs[2].command, "gcc -o main main.c -O2");
	end(&s);
}

TEST(without_a_header_that_is_ready_a_compile_is_as_ever)
{
	struct scene s;

	begin(&s, SAMPLE_HEADERS, 2, true);
	(void)give(&s, "one");
	wait_for_runs(&s, 1);
	assert_string_equal(s.x.runs[0].command, COMPILE);
	end(&s);
}

TEST(a_job_that_finds_no_slot_gets_that_of_the_headers)
{
	struct scene s;

	begin(&s, SAMPLE_HEADERS, 1, true);
	wait_for_runs(&s, 1);
	assert_string_equal(s.x.runs[0].command, BUILD);
	/* The slot is taken, and a job is asked for all the same. */
	turn(&s);
	assert_int_equal(fake_flow_asked(&s.flow), 1);
	(void)give(&s, "one");
	assert_true(s.x.runs[0].cancelled);
	end_run(&s, 0, (struct exec_report){ .stop = EXEC_STOP_CANCELLED, .exit_code = -1 });
	assert_string_equal(s.x.runs[1].command, COMPILE);
	end_run(&s, 1, (struct exec_report){ .exit_code = 1 });
	/* Nothing else to do: it begins anew. */
	wait_for_runs(&s, 3);
	assert_string_equal(s.x.runs[2].command, BUILD);
	end(&s);
}

/* Nor one whose compile ends its container: it might end the next one, too. */
TEST(a_header_that_cannot_be_compiled_is_given_up)
{
	static const struct exec_report reports[] = {
		{ .lost = true, .exit_code = -1 }, /* never begun: does not count */
		{ .exit_code = 1 },
		{ .lost = true, .started = true, .exit_code = -1 },
	};
	struct scene s;
	struct precompile_counts counts;

	begin(&s, SAMPLE_HEADERS, 2, true);
	for (size_t i = 0; i < 3; i++) {
		wait_for_runs(&s, i + 1);
		assert_string_equal(s.x.runs[i].command, BUILD);
		end_run(&s, i, reports[i]);
	}
	assert_false(precompile_go(s.precompile));
	precompile_count(s.precompile, &counts);
	assert_int_equal(counts.ready, 0);
	assert_int_equal(counts.missing, 1);
	(void)give(&s, "one");
	assert_string_equal(s.x.runs[3].command, COMPILE);
	end(&s);
}

TEST(after_an_upgrade_no_old_header_is_used_and_new_ones_are_made)
{
	struct scene s;

	begin(&s, SAMPLE_HEADERS, 2, true);
	build_headers(&s);
	write_file(&s, "usr/bin/gcc", "a newer compiler");
	(void)give(&s, "one");
	assert_string_equal(s.x.runs[1].command, COMPILE);
	end_run(&s, 1, (struct exec_report){ .exit_code = 1 });
	wait_for_runs(&s, 3);
	assert_string_equal(s.x.runs[2].command, BUILD);
	end_run(&s, 2, precompiled());
	wait_for_ready(&s, 1);
	(void)give(&s, "one");
	assert_non_null(strstr(s.x.runs[3].command, "-isystem"));
	end(&s);
}

TEST(headers_of_an_earlier_start_are_used_if_they_are_whole)
{
	struct scene s;
	char path[256];
	int fd;

	begin(&s, SAMPLE_HEADERS, 2, true);
	build_headers(&s);
	snprintf(path, sizeof(path), "headers%s/all.h.gch",
		 precompile_directory(s.precompile, &s.langs.langs[0]) + sizeof(SANDBOX_HEADERS) - 1);
	worker_free(TAKE(s.w)); /* it knows only the first one */
	for (int broken = 0; broken < 2; broken++) {
		precompile_free(s.precompile);
		open_precompile(&s);
		for (int i = 0; i < 2; i++) { /* looks at its files, then sweeps */
			assert_true(precompile_go(s.precompile));
			wait_once(&s);
		}
		if (!broken)
			assert_non_null(precompile_directory(s.precompile, &s.langs.langs[0]));
		else
			assert_null(precompile_directory(s.precompile, &s.langs.langs[0]));
		fd = openat(s.rootfs, path, O_WRONLY | O_CLOEXEC);
		assert_int_equal(pwrite(fd, "X", 1, 0), 1);
		close(fd);
	}
	end(&s);
}

UNIT_MAIN(T(the_second_submit_of_a_source_is_run_and_not_compiled),
	  T(a_compile_error_is_given_again_without_a_compiler),
	  T(limits_signals_losses_and_cut_output_are_not_kept),
	  T(of_two_at_once_one_compiles_and_the_other_keeps_no_slot), T(a_cancelled_leader_hands_over),
	  T(who_waits_for_a_leader_can_be_cancelled), T(a_shutdown_gives_back_who_waits_for_a_leader),
	  T(an_idle_worker_precompiles_and_later_compiles_are_told),
	  T(without_a_header_that_is_ready_a_compile_is_as_ever),
	  T(a_job_that_finds_no_slot_gets_that_of_the_headers),
	  T(a_header_that_cannot_be_compiled_is_given_up),
	  T(after_an_upgrade_no_old_header_is_used_and_new_ones_are_made),
	  T(headers_of_an_earlier_start_are_used_if_they_are_whole))
