/* SPDX-License-Identifier: MIT */
/* Warm slots of the real spawner, with cat for an interpreter: it does to its main file what it is for. Needs
 * root; CODECRUSHER_SPAWNER names the binary. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unit.h"
#include "sandbox/spawner_rig.h"

#define SLOTS	  2
#define POSITIONS (SLOTS * 2 + 2)
#define MANY	  2000 /* runs until a warm slot must have been built */

static const struct sandbox_limits usual = {
	.cpu_ms = 5000,
	.wall_ms = 10000,
	.memory_bytes = 64 << 20,
	.processes = 16,
	.file_bytes = 1 << 20,
	.disk_bytes = 8 << 20,
};

static struct rig r;
static struct rig_result res;

/* Of the spawners that are started; end_leftovers resets them. */
static bool on_demand; /* no interpreter always waits */
static int64_t memory_bytes;

static int end_leftovers(void **state)
{
	(void)state;
	on_demand = false;
	memory_bytes = 0;
	rig_abandon_all();
	return 0;
}

/* One warm interpreter whose command is `text`: n_argv strings, then n_env. */
static void start_text(const char *text, size_t len, uint32_t n_argv, uint32_t n_env, uint32_t warm_slots)
{
	struct sandbox_warm w = {
		.slots = warm_slots,
		.keep = on_demand ? 0 : warm_slots,
		.n_argv = n_argv,
		.n_env = n_env,
		.text_len = (uint32_t)len,
	};

	rig_config(&r, SLOTS);
	memcpy(w.source, "main.x", sizeof("main.x"));
	memcpy(w.text, text, len);
	r.config.n_warm = 1;
	r.config.warm_memory_bytes = memory_bytes;
	r.config.warm[0] = w;
	rig_start(&r, POSITIONS);
	r.warm = 1;
}
#define START(text, n_argv, n_env, slots) start_text(text, sizeof(text), n_argv, n_env, slots)
#define START_CAT(slots)		  START("cat\0main.x\0A=b", 2, 1, slots)

static void stop(void)
{
	int status = rig_stop(&r);

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void run(const char *const *argv, const char *source, size_t len)
{
	static const char *const env[] = { "A=b", NULL };
	struct spec_file file = { .name = "main.x", .data = source, .len = len };
	struct spec spec = { .argv = argv, .env = env, .files = &file, .n_files = 1 };

	(void)rig_send(&r, &spec, &usual);
	rig_wait_done(&r, &res);
}

static void cat(const char *source)
{
	run((const char *const[]){ "cat", "main.x", NULL }, source, strlen(source));
	assert_int_equal(res.done.start_errno, 0);
	assert_int_equal(res.done.exit_code, 0);
	assert_string_equal(res.out, source);
	assert_string_equal(res.err, "");
}

static void cat_warm(const char *source)
{
	for (int i = 0; i < MANY; i++) {
		cat(source);
		if (res.warm)
			return;
	}
	fail_msg("no run of %d met a warm slot", MANY);
}

TEST(a_run_meets_an_interpreter_that_waited)
{
	START_CAT(2);
	for (int i = 0; i < 20; i++)
		cat_warm("the program\n");
	cat_warm("");
	stop();
}

TEST(a_source_longer_than_a_pipe_arrives_whole)
{
	static char source[200001];

	memset(source, 'x', sizeof(source) - 1);
	source[sizeof(source) - 1] = '\0';
	START("wc\0-c\0main.x\0A=b", 3, 1, 2);
	do {
		run((const char *const[]){ "wc", "-c", "main.x", NULL }, source, sizeof(source) - 1);
		assert_string_equal(res.out, "200000 main.x\n");
	} while (!res.warm);
	stop();
}

TEST(without_a_warm_slot_the_run_is_the_same)
{
	START_CAT(0);
	cat("the program\n");
	assert_false(res.warm);
	stop();
}

TEST(an_interpreter_that_is_not_there_is_let_be)
{
	START("no-such-interpreter\0main.x\0A=b", 2, 1, 2);
	for (int i = 0; i < 50; i++)
		cat("the program\n");
	assert_false(res.warm);
	rig_wait_ready(&r, POSITIONS);
	stop();
}

TEST(an_interpreter_that_ends_by_itself_harms_no_plain_slot)
{
	START("true\0main.x\0A=b", 2, 1, 2);
	for (int i = 0; i < 50; i++)
		cat("the program\n");
	assert_false(res.warm);
	rig_wait_ready(&r, POSITIONS);
	stop();
}

TEST(a_request_for_another_command_never_runs_in_a_warm_slot)
{
	START_CAT(2);
	cat_warm("x\n");
	do {
		run((const char *const[]){ "cat", "./main.x", NULL }, "x\n", 2);
		if (!res.warm)
			assert_string_equal(res.out, "x\n");
	} while (!res.warm);
	assert_int_equal(res.done.start_errno, EINVAL);
	assert_string_equal(res.out, "");
	cat_warm("still well\n");
	stop();
}

TEST(a_run_that_asks_for_no_warm_slot_gets_none)
{
	START_CAT(2);
	cat_warm("x\n");
	r.warm = 0;
	for (int i = 0; i < 20; i++) {
		cat("x\n");
		assert_false(res.warm);
	}
	r.warm = 2;
	run((const char *const[]){ "cat", "main.x", NULL }, "x\n", 2);
	assert_true(res.refused);
	stop();
}

/* Runs `script` by a shell that has opened its main file, warm and cold alike, until it has met a warm slot,
 * whose interpreter the script ends. */
static void run_after_death(const char *script)
{
	const char *argv[] = { "sh", "-c", script, NULL };

	for (int i = 0; i < MANY; i++) {
		run(argv, "the program\n", 12);
		assert_int_equal(res.done.flags, 0);
		assert_int_equal(res.done.exit_code, 0);
		assert_string_equal(res.out, "the program\n");
		assert_false(res.warm);
		if (res.starts == 2)
			return;
	}
	fail_msg("no run of %d met a warm slot", MANY);
}

#define UNTIL_UNPACKED                                                                                       \
	"exec 3<main.x; if [ -p /proc/$$/fd/3 ]; then while [ -p main.x ]; do :; done; kill -9 $$; fi; cat " \
	"main.x"

TEST(an_interpreter_that_dies_before_it_reads_its_program_costs_no_answer)
{
	START("sh\0-c\0" UNTIL_UNPACKED "\0A=b", 3, 1, 2);
	for (int i = 0; i < 5; i++)
		run_after_death(UNTIL_UNPACKED);
	stop();
}

/* How large a file it may make, in blocks of 512 bytes, as a shell that was started for it says. */
static void run_with_file_limit(int64_t bytes)
{
#define SAY_FILE_LIMIT "read a <main.x; ulimit -f"
	static const char *const argv[] = { "sh", "-c", SAY_FILE_LIMIT, NULL }, *const env[] = { "A=b",
												 NULL };
	struct spec_file file = { .name = "main.x", .data = "x\n", .len = 2 };
	struct spec spec = { .argv = argv, .env = env, .files = &file, .n_files = 1 };
	struct sandbox_limits limits = usual;
	char expected[32];

	limits.file_bytes = bytes;
	(void)rig_send(&r, &spec, &limits);
	rig_wait_done(&r, &res);
	snprintf(expected, sizeof(expected), "%d\n", (int)(bytes / 512));
	assert_string_equal(res.out, expected);
}

TEST(a_run_with_another_limit_of_files_than_usual_starts_cold)
{
	START("sh\0-c\0" SAY_FILE_LIMIT "\0A=b", 3, 1, 2);
	do {
		run_with_file_limit(r.config.usual.file_bytes);
	} while (!res.warm);
	for (int i = 0; i < 20; i++) {
		run_with_file_limit(r.config.usual.file_bytes / 2);
		assert_false(res.warm);
	}
	stop();
}

TEST(a_program_that_has_begun_never_runs_again)
{
#define READ_AND_DIE "read a <main.x; echo $a; kill -9 $$"
	START("sh\0-c\0" READ_AND_DIE "\0A=b", 3, 1, 2);
	do {
		run((const char *const[]){ "sh", "-c", READ_AND_DIE, NULL }, "the program\n", 12);
		assert_int_equal(res.starts, 1);
		assert_int_equal(res.done.signal, 9);
		assert_string_equal(res.out, "the program\n");
	} while (!res.warm);
	stop();
}

/* Fills `ret` with the children of a process, at most `max`; returns how many there are. */
static size_t children_of(pid_t pid, pid_t *ret, size_t max)
{
	char path[64];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "re");
	for (int child; f && fscanf(f, "%d", &child) == 1; n++) {
		if (n < max)
			ret[n] = child;
	}
	if (f)
		(void)fclose(f);
	return n;
}

/* Of the spawner: its helpers and the slots. */
static size_t count_children(void)
{
	return children_of(r.pid, NULL, 0);
}

static bool is_named(pid_t pid, const char *want)
{
	char path[64], name[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(name, sizeof(name), f))
		name[0] = '\0';
	(void)fclose(f);
	name[strcspn(name, "\n")] = '\0';
	return strcmp(name, want) == 0;
}

/* Whether one of that name is below the process: a slot has few, three deep. */
static bool has_below(pid_t pid, const char *name, int depth)
{
	pid_t children[64];
	size_t n = children_of(pid, children, 64);

	for (size_t i = 0; i < n && i < 64; i++) {
		if (is_named(children[i], name) || (depth > 1 && has_below(children[i], name, depth - 1)))
			return true;
	}
	return false;
}

TEST(interpreters_that_are_not_kept_wait_when_runs_come)
{
	size_t idle;

	on_demand = true;
	START_CAT(2);
	idle = count_children();
	cat("x\n");
	assert_false(res.warm);
	cat_warm("x\n");
	/* And some seconds later none does. */
	for (int i = 0; count_children() > idle; i++) {
		assert_true(i < 600);
		(void)poll(NULL, 0, 100);
	}
	stop();
}

/* Until the interpreter's slot exists, whether it is ready or not. */
static void wait_children(size_t n)
{
	for (int i = 0; count_children() != n; i++) {
		assert_true(i < 20000);
		(void)poll(NULL, 0, 1);
	}
}

/* Takes the warm slot, and returns while the next interpreter is being started. */
static void take_and_await_the_next(const char *const *argv)
{
	int i = 0;

	do {
		run(argv, "x\n", 2);
		assert_true(i++ < MANY);
	} while (!res.warm);
	for (i = 0; !has_below(r.pid, "sleep", 3); i++) {
		assert_true(i < 20000);
		(void)poll(NULL, 0, 1);
	}
}

TEST(a_run_waits_for_an_interpreter_that_is_being_started_and_none_waits_behind_it)
{
#define SLOWLY "sleep 0.5; exec cat main.x"
	static const char *const argv[] = { "sh", "-c", SLOWLY, NULL }, *const env[] = { "A=b", NULL };
	struct spec_file file = { .name = "main.x", .data = "the program\n", .len = 12 };
	struct spec spec = { .argv = argv, .env = env, .files = &file, .n_files = 1 };
	uint64_t other;

	START("sh\0-c\0" SLOWLY "\0A=b", 3, 1, 1);
	take_and_await_the_next(argv);
	(void)rig_send(&r, &spec, &usual);
	r.warm = 0;
	other = rig_send_sh(&r, "exit 7", &usual);
	rig_wait_done(&r, &res);
	assert_int_equal(res.done.head.run, other);
	rig_wait_done(&r, &res);
	assert_true(res.warm);
	assert_string_equal(res.out, "the program\n");
	stop();
}

static void send_cold(const char *command)
{
	r.warm = 0;
	(void)rig_send_sh(&r, command, &usual);
	r.warm = 1;
}

/* Takes the warm slot while another run has the second place, and lets a third follow at once. Whether no
 * interpreter was started anew then. */
static bool stays_away(size_t all)
{
	bool stays;

	send_cold("sleep 0.5");
	cat("x\n");
	stays = res.warm;
	send_cold("sleep 0.3");
	(void)poll(NULL, 0, 200);
	stays = stays && count_children() < all;
	rig_wait_done(&r, &res);
	rig_wait_done(&r, &res);
	return stays;
}

TEST(none_is_started_while_every_slot_is_taken_but_then)
{
	size_t all;

	START_CAT(0);
	all = count_children() + 1;
	stop();
	START_CAT(1);
	wait_children(all);
	for (int i = 0; !stays_away(all); i++) {
		assert_true(i < 20);
		wait_children(all);
	}
	wait_children(all);
	stop();
}

TEST(none_is_started_beyond_the_memory)
{
	memory_bytes = 1 << 20;
	START_CAT(2);
	for (int i = 0; i < 50; i++) {
		cat("x\n");
		assert_false(res.warm);
	}
	stop();
}

#define U(name) cmocka_unit_test_teardown(name, end_leftovers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		U(a_run_meets_an_interpreter_that_waited),
		U(a_source_longer_than_a_pipe_arrives_whole),
		U(without_a_warm_slot_the_run_is_the_same),
		U(an_interpreter_that_is_not_there_is_let_be),
		U(an_interpreter_that_ends_by_itself_harms_no_plain_slot),
		U(a_request_for_another_command_never_runs_in_a_warm_slot),
		U(a_run_that_asks_for_no_warm_slot_gets_none),
		U(an_interpreter_that_dies_before_it_reads_its_program_costs_no_answer),
		U(a_run_with_another_limit_of_files_than_usual_starts_cold),
		U(a_program_that_has_begun_never_runs_again),
		U(interpreters_that_are_not_kept_wait_when_runs_come),
		U(a_run_waits_for_an_interpreter_that_is_being_started_and_none_waits_behind_it),
		U(none_is_started_while_every_slot_is_taken_but_then),
		U(none_is_started_beyond_the_memory),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
