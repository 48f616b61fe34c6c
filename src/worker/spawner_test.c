/* SPDX-License-Identifier: MIT */
/*
 * Tasks through the real spawner: arguments are the path of codecrusher-spawner and the directory of language
 * files. Needs root; without it the test says that it was skipped.
 */
#include "worker/task.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "executor/native.h"
#include "sandbox/config.h"
#include "worker/probe.h"
#include "worker/sample.h"

#define EXIT_SKIPPED 77
#define SLOTS	     2
#define TIMEOUT_MS   30000

static const char *spawner_path;
static struct event_base *base;
static struct executor *executor;
static struct lang_table *langs;
static pid_t spawner;
static bool probed;

/* ---- the spawner ---- */

static int config_memfd(void)
{
	const struct sandbox_config config = {
		.magic = SANDBOX_CONFIG_MAGIC,
		.size = sizeof(config),
		.version = CODECRUSHER_VERSION,
		.slots = SLOTS,
		.uid_base = 0x70000000,
		.slot_millicpus = 2000,
		.allow_weak = UINT32_MAX,
		.log_level = 2,
		.rootfs = "host",
		.run_dir = "/run/codecrusher",
		.cgroup_parent = "codecrusher",
		.maxima = { 60000, 120000, INT64_C(2) << 30, 512, 64 << 20, 256 << 20 },
		.usual = { 10000, 20000, INT64_C(256) << 20, 64, 64 << 20, 64 << 20 },
	};
	int fd = memfd_create("config", 0);

	if (fd < 0 || write(fd, &config, sizeof(config)) != sizeof(config))
		fail_msg("cannot write the configuration: %s", strerror(errno));
	return fd;
}

_Noreturn static void exec_spawner(int engine, int config)
{
	char *argv[] = { (char *)"codecrusher-spawner", NULL };
	char *env[] = { NULL };

	/* Out of the way first, since either may be 3 or 4 already. */
	engine = fcntl(engine, F_DUPFD, 10);
	config = fcntl(config, F_DUPFD, 10);
	if (dup2(engine, SANDBOX_ENGINE_FD) < 0 || dup2(config, SANDBOX_CONFIG_FD) < 0)
		_exit(126);
	execve(spawner_path, argv, env);
	_exit(127);
}

static void start_spawner(void)
{
	AUTO_CLOSE int config = config_memfd();
	struct err e = { 0 };
	int pair[2];

	(void)mkdir("/run/codecrusher", 0755);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	spawner = fork();
	assert_true(spawner >= 0);
	if (spawner == 0)
		exec_spawner(pair[1], config);
	(void)close(pair[1]);
	assert_int_equal(native_attach(executor, pair[0], &e), 0);
}

/* ---- the loop ---- */

static void on_capacity(void *arg)
{
	(void)arg;
	event_base_loopbreak(base);
}

/* Turns the loop once, at most until the deadline. */
static void turn(int64_t deadline)
{
	struct timeval left = { .tv_sec = (deadline - clock_mono_ms()) / 1000 + 1 };

	if (clock_mono_ms() >= deadline)
		fail_msg("nothing came for too long");
	(void)event_base_loopexit(base, &left);
	(void)event_base_loop(base, EVLOOP_ONCE);
}

static void wait_ready(unsigned ready)
{
	int64_t deadline = clock_mono_ms() + TIMEOUT_MS;
	struct exec_capacity c;

	for (;;) {
		executor_capacity(executor, &c);
		if (c.ready >= ready)
			return;
		turn(deadline);
	}
}

static void on_probed(void *arg)
{
	(void)arg;
	probed = true;
}

static int set_up(void **state)
{
	const struct native_options options = { 0 };
	struct err e = { 0 };
	int64_t deadline = clock_mono_ms() + TIMEOUT_MS;
	struct probe *probe;

	(void)state;
	base = event_base_new();
	executor = native_new(base, &options, &e);
	executor_on_capacity(executor, on_capacity, NULL);
	start_spawner();
	probe = probe_new(executor, langs, on_probed, NULL);
	assert_non_null(probe);
	while (!probed) {
		probe_go(probe);
		if (!probed)
			turn(deadline);
	}
	probe_free(probe);
	return 0;
}

static int tear_down(void **state)
{
	int status;

	(void)state;
	executor_free(executor);
	assert_int_equal(waitpid(spawner, &status, 0), spawner);
	assert_int_equal(status, 0);
	lang_table_free(langs);
	event_base_free(base);
	libevent_global_shutdown();
	return 0;
}

/* ---- jobs ---- */

struct end {
	struct result *result;
	bool over, blameless;
	char reason[256];
};

static void on_done(const struct task_end *end, void *arg)
{
	struct end *ended = arg;

	ended->over = true;
	ended->blameless = end->blameless;
	if (end->result)
		ended->result = result_ref(end->result);
	else
		(void)snprintf(ended->reason, sizeof(ended->reason), "%s", end->reason);
}

/* Borrows `code` and the rest; the caller changes limits and runs it. */
static struct submission *job(const char *language, const char *code, const char *input)
{
	const struct lang *l = lang_find(langs, language);
	const char *files[2] = { NULL, NULL };
	struct submission *s;

	assert_non_null(l);
	assert_true(l->available);
	files[0] = l->source;
	s = sample_submission(l->name, files);
	assert_true(bytes_set(&s->files[0].content, code, strlen(code)));
	assert_true(bytes_set(&s->input, input, strlen(input)));
	s->limits.output_bytes = s->compile_limits.output_bytes = 65536;
	return s;
}

static struct task *begin_in(const struct lang *l, struct submission *s, struct end *end)
{
	const struct task_job job = {
		.lang = l, .submission = s, .attempt = 1, .started_ms = clock_wall_ms()
	};
	struct task *t = task_new(executor, &job, on_done, end);

	*end = (struct end){ 0 };
	assert_non_null(t);
	submission_unref(s);
	task_go(t);
	return t;
}

static struct task *begin(struct submission *s, struct end *end)
{
	return begin_in(lang_find(langs, s->language), s, end);
}

static void wait_end(struct task *t, struct end *end)
{
	int64_t deadline = clock_mono_ms() + TIMEOUT_MS;

	while (!end->over) {
		turn(deadline);
		if (!end->over)
			task_go(t);
	}
}

/* Takes over the submission; the caller frees the result. */
static struct result *run(struct submission *s)
{
	struct end end;

	wait_end(begin(s, &end), &end);
	if (!end.result)
		fail_msg("lost: %s", end.reason);
	return end.result;
}

static void assert_text(const struct output *o, const char *text)
{
	assert_string_equal(o->data.data ? o->data.data : "", text);
}

/* Says everything when the verdict is another one. */
static void assert_verdict(const struct result *r, enum verdict v)
{
	const char *err = r->run.err.data.data;

	if (r->verdict != v)
		fail_msg("%s instead of %s: %s; exit %d signal %d; stderr: %s; compiler: %s",
			 verdict_name(r->verdict), verdict_name(v), r->message ? r->message : "",
			 r->run.exit_code, r->run.signal, err ? err : "",
			 r->compile.err.data.data ? r->compile.err.data.data : "");
}

static void assert_run(struct submission *s, enum verdict v, const char *out)
{
	AUTO(result_unref_p) struct result *r = run(s);

	assert_verdict(r, v);
	assert_text(&r->run.out, out);
}

TEST(python_prints_what_it_reads)
{
	AUTO(result_unref_p)
	struct result *r = run(job("python", "import sys; print(sys.stdin.read() * 2)", "ab"));

	assert_verdict(r, VERDICT_OK);
	assert_text(&r->run.out, "abab\n");
	assert_int_equal(r->run.exit_code, 0);
	assert_true(r->run.cpu_us > 0);
	assert_true(r->run.wall_us > 0);
	assert_true(r->run.memory_bytes > 0);
	assert_non_null(r->version);
}

TEST(the_program_gets_its_arguments_environment_and_files)
{
	static const char *const files[] = { "main.sh", "sub/data.txt", NULL };
	struct submission *s = sample_submission("bash", files);
	static const char code[] = "echo $1,$HOME,$PWD,$TMPDIR,$LANG,$X; cat sub/data.txt; exit 7";
	AUTO(result_unref_p) struct result *r = NULL;

	assert_true(bytes_set(&s->files[0].content, code, strlen(code)));
	assert_true(strings_add(&s->args, "a b"));
	assert_true(strings_add(&s->env, "X=y"));
	r = run(s);
	assert_verdict(r, VERDICT_RUNTIME_ERROR);
	assert_text(&r->run.out, "a b,/box,/box,/tmp,C.UTF-8,y\ntext");
	assert_int_equal(r->run.exit_code, 7);
	assert_string_equal(r->message, "The program exited with status 7.");
}

TEST(c_is_compiled_in_one_slot_and_run_in_another)
{
	AUTO(result_unref_p)
	struct result *r = run(job("c", "#include <stdio.h>\nint main(void){puts(\"hi\");return 3;}", ""));

	assert_verdict(r, VERDICT_RUNTIME_ERROR);
	assert_text(&r->run.out, "hi\n");
	assert_int_equal(r->run.exit_code, 3);
	assert_true(r->compiled);
	assert_int_equal(r->compile.verdict, VERDICT_OK);
	assert_int_equal(r->compile.exit_code, 0);
}

TEST(a_compile_error_carries_the_compiler_s_words)
{
	AUTO(result_unref_p) struct result *r = run(job("c", "int main(void){return x;}", ""));

	assert_verdict(r, VERDICT_COMPILE_ERROR);
	assert_int_equal(r->compile.exit_code, 1);
	assert_non_null(strstr(r->compile.err.data.data, "undeclared"));
	assert_false(r->ran);
}

TEST(a_signal_is_the_main_process_s_own)
{
	AUTO(result_unref_p) struct result *r = run(job("bash", "kill -SEGV $$", ""));

	assert_verdict(r, VERDICT_RUNTIME_ERROR);
	assert_int_equal(r->run.signal, SIGSEGV);
	assert_int_equal(r->run.exit_code, -1);
	assert_string_equal(r->message, "The program was ended by signal SIGSEGV (11).");
}

TEST(each_limit_has_its_verdict)
{
	struct submission *s = job("bash", "while :; do :; done", "");

	s->limits.cpu_ms = 200;
	assert_run(s, VERDICT_CPU_TIME_LIMIT, "");
	s = job("bash", "echo before; sleep 60", "");
	s->limits.wall_ms = 200;
	assert_run(s, VERDICT_WALL_TIME_LIMIT, "before\n");
	s = job("python", "print('before', flush=True); x = bytearray(200 << 20)", "");
	s->limits.memory_bytes = 64 << 20;
	assert_run(s, VERDICT_MEMORY_LIMIT, "before\n");
	s = job("bash", "printf 12345", "");
	s->limits.output_bytes = 5;
	assert_run(s, VERDICT_OK, "12345");
	s = job("bash", "printf 123456", "");
	s->limits.output_bytes = 5;
	assert_run(s, VERDICT_OUTPUT_LIMIT, "12345");
	s = job("bash", "yes", "");
	s->limits.output_bytes = 4;
	assert_run(s, VERDICT_OUTPUT_LIMIT, "y\ny\n");
}

TEST(what_cannot_start_says_why)
{
	static const char *const clash[] = { "main.sh", "main.sh/x", NULL };
	static const struct {
		size_t file, arg;
		int64_t disk, file_limit;
		const char *message;
	} rows[] = {
		{ 100000, 0, 65536, 1 << 20, "its files do not fit into diskBytes and fileBytes." },
		{ 1, 200000, 1 << 20, 1 << 20, "its arguments and environment are too large." },
	};
	AUTO_FREE char *text = calloc(1, 200001);
	struct submission *s;

	memset(text, '#', 200000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(result_unref_p) struct result *r = NULL;

		s = job("bash", "", "");
		assert_true(bytes_set(&s->files[0].content, text, rows[i].file));
		text[rows[i].arg] = '\0';
		assert_true(strings_add(&s->args, text));
		text[rows[i].arg] = '#';
		s->limits.disk_bytes = rows[i].disk;
		s->limits.file_bytes = rows[i].file_limit;
		r = run(s);
		assert_verdict(r, VERDICT_RUNTIME_ERROR);
		assert_non_null(strstr(r->message, rows[i].message));
	}
	s = sample_submission("bash", clash);
	{
		AUTO(result_unref_p) struct result *r = run(s);

		assert_verdict(r, VERDICT_RUNTIME_ERROR);
		assert_non_null(strstr(r->message, "one file has the name of another one's directory."));
	}
}

/* A language of the test's own; `text` is its file. */
static void assert_language(const char *text, enum verdict v, const char *message)
{
	static const char *const files[] = { "main.x", NULL };
	struct lang l = sample_lang(text);
	struct end end;

	l.available = true;
	wait_end(begin_in(&l, sample_submission(l.name, files), &end), &end);
	assert_non_null(end.result);
	assert_verdict(end.result, v);
	assert_string_equal(end.result->message, message);
	result_unref(end.result);
	lang_done(&l);
}

#define LANG_HEAD "{\"name\":\"x\",\"extensions\":[\".x\"],\"source\":\"main.x\",\"version\":[\"x\"],"

TEST(a_broken_toolchain_is_told_from_a_broken_program)
{
	assert_language(LANG_HEAD "\"package\":\"x-bin\",\"run\":[\"no-such-program\",\"{source}\"]}",
			VERDICT_INTERNAL_ERROR,
			"The worker cannot run x: its toolchain is missing; install the package x-bin.");
	assert_language(LANG_HEAD "\"run\":[\"./{artifact}\"],\"compile\":{\"argv\":[\"true\"],"
				  "\"artifacts\":[\"main\"]}}",
			VERDICT_COMPILE_ERROR,
			"The compiler reported no error but did not make the file main.");
	assert_language(LANG_HEAD "\"run\":[\"./{artifact}\"],\"compile\":{\"argv\":[\"touch\",\"main\"],"
				  "\"artifacts\":[\"main\"]}}",
			VERDICT_RUNTIME_ERROR,
			"The compiled program could not be started: Permission denied.");
	assert_language(LANG_HEAD "\"run\":[\"./{artifact}\"],\"compile\":{\"argv\":[\"cp\",\"/bin/true\","
				  "\"main.x\"],\"artifacts\":[\"main.x\"]}}",
			VERDICT_RUNTIME_ERROR,
			"The compiled program could not be started: Permission denied.");
}

TEST(both_streams_are_kept_to_the_byte)
{
	struct submission *s =
		job("bash", "head -c 1000000 /dev/zero & head -c 999999 /dev/zero >&2; wait", "");
	AUTO(result_unref_p) struct result *r = NULL;
	AUTO(result_unref_p) struct result *flood = NULL;

	s->limits.output_bytes = 1000000;
	r = run(s);
	assert_verdict(r, VERDICT_OK);
	assert_int_equal(r->run.out.data.len, 1000000);
	assert_int_equal(r->run.err.data.len, 999999);
	s = job("bash", "yes >&2 & yes", "");
	s->limits.output_bytes = 1000000;
	flood = run(s);
	assert_verdict(flood, VERDICT_OUTPUT_LIMIT);
	assert_true(flood->run.out.truncated || flood->run.err.truncated);
	assert_true(flood->run.out.data.len <= 1000000 && flood->run.err.data.len <= 1000000);
}

TEST(empty_files_and_a_closed_stdout_are_no_trouble)
{
	assert_run(job("bash", "", ""), VERDICT_OK, "");
	assert_run(job("bash", "exec >&-; read x; exit 0", "in\n"), VERDICT_OK, "");
}

TEST(what_the_main_process_leaves_behind_keeps_nobody_waiting)
{
	int64_t start = clock_mono_ms();

	assert_run(job("bash", "(sleep 60; echo late) & disown; echo done", ""), VERDICT_OK, "done\n");
	assert_true(clock_mono_ms() - start < 10000);
}

TEST(a_cancelled_program_is_dead_at_once)
{
	struct submission *s = job("bash", "sleep 60", "");
	struct end end;
	struct task *t;
	int64_t start;

	wait_ready(1);
	t = begin(s, &end);
	assert_false(task_is_waiting(t));
	start = clock_mono_ms();
	task_cancel(t);
	wait_end(t, &end);
	assert_non_null(end.result);
	assert_verdict(end.result, VERDICT_CANCELLED);
	/* Long before its own end; how long exactly is for a benchmark on a quiet machine. */
	assert_true(clock_mono_ms() - start < 5000);
	result_unref(end.result);
}

TEST(many_runs_after_each_other_and_side_by_side_see_only_themselves)
{
	for (int i = 0; i < 20; i++) {
		struct end ends[3];
		struct task *tasks[3];

		for (int k = 0; k < 3; k++)
			tasks[k] = begin(job("bash",
					     "ls -A /tmp /box; touch /tmp/left /box/left; read x; echo $x",
					     "in\n"),
					 &ends[k]);
		for (int k = 0; k < 3; k++) {
			wait_end(tasks[k], &ends[k]);
			assert_non_null(ends[k].result);
			assert_verdict(ends[k].result, VERDICT_OK);
			assert_text(&ends[k].result->run.out, "/box:\nmain.sh\n\n/tmp:\nin\n");
			result_unref(ends[k].result);
		}
	}
}

TEST(after_the_spawner_s_death_a_new_one_serves)
{
	struct end end;
	struct task *t;
	int status;

	wait_ready(1);
	t = begin(job("bash", "sleep 60", ""), &end);
	assert_false(task_is_waiting(t));
	assert_int_equal(kill(spawner, SIGKILL), 0);
	wait_end(t, &end);
	assert_null(end.result);
	assert_int_equal(waitpid(spawner, &status, 0), spawner);
	start_spawner();
	assert_run(job("bash", "echo again", ""), VERDICT_OK, "again\n");
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		T(python_prints_what_it_reads),
		T(the_program_gets_its_arguments_environment_and_files),
		T(c_is_compiled_in_one_slot_and_run_in_another),
		T(a_compile_error_carries_the_compiler_s_words),
		T(a_signal_is_the_main_process_s_own),
		T(each_limit_has_its_verdict),
		T(what_cannot_start_says_why),
		T(a_broken_toolchain_is_told_from_a_broken_program),
		T(both_streams_are_kept_to_the_byte),
		T(empty_files_and_a_closed_stdout_are_no_trouble),
		T(what_the_main_process_leaves_behind_keeps_nobody_waiting),
		T(a_cancelled_program_is_dead_at_once),
		T(many_runs_after_each_other_and_side_by_side_see_only_themselves),
		T(after_the_spawner_s_death_a_new_one_serves),
	};
	struct err e = { 0 };

	if (argc != 3) {
		fprintf(stderr, "usage: %s SPAWNER LANGUAGES\n", argv[0]);
		return 2;
	}
	if (geteuid() != 0) {
		fprintf(stderr, "skipped: only root can start the spawner\n");
		return EXIT_SKIPPED;
	}
	spawner_path = argv[1];
	langs = lang_table_load(argv[2], &e);
	if (!langs) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
