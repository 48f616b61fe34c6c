/* SPDX-License-Identifier: MIT */
/*
 * The live spawner against an engine that was taken over: limits, specs and sets of files that lie, and what
 * is collected. A lie fails inside its slot, and what a program leaves leads nowhere outside it.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unit.h"
#include "sandbox/hostile_rig.h"
#include "sandbox/hostile_scene.h"
#include "sandbox/spec_format.h"

TEST(limits_beyond_the_maxima_are_cut)
{
	struct sandbox_limits limits = { INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX };
	struct rig_result res;
	struct rig r;

	rig_config(&r, SCENE_SLOTS);
	r.config.maxima = scene_limits;
	r.config.maxima.wall_ms = 1500;
	r.config.usual = r.config.maxima;
	rig_start(&r, SCENE_POSITIONS);
	rig_sh(&r, "sleep 60", &limits, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_WALL);
	assert_true(res.done.wall_us < 5000000);
	rig_sh(&r, "exec dd if=/dev/zero of=/dev/null bs=80M count=1", &limits, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_MEMORY);
	rig_sh(&r, "exec dd if=/dev/zero of=big bs=64k count=32", &limits, &res);
	assert_int_equal(res.done.signal, SIGXFSZ);
	rig_sh(&r, "i=0; while [ $i -lt 40 ]; do sleep 1 & i=$((i + 1)); done; exit 7", &limits, &res);
	assert_int_not_equal(res.done.exit_code, 7);
	scene_stop(&r);
}

TEST(a_spec_or_a_set_that_lies_fails_in_its_slot)
{
	unsigned seed = 7;
	struct rig_result res;
	struct rig r;
	int before = scene_start_at_rest(&r);

	for (int i = 0; i < 120; i++) {
		int fds[2] = { i % 2 ? hostile_spec_of("exit 0") : hostile_bent_spec(&seed, SPEC_MAGIC),
			       hostile_bent_spec(&seed, SPEC_SET_MAGIC) };

		(void)scene_send_run(&r, i % 2 ? WIRE_RUN_ARTIFACTS : WIRE_RUN_COLLECT, &scene_limits, fds,
				     i % 2 ? 2 : 1);
		(void)close(fds[0]);
		(void)close(fds[1]);
		rig_wait_done(&r, &res);
		assert_false(res.refused);
		assert_true(res.artifacts < 0);
		if (i % 2)
			assert_int_not_equal(res.done.exit_code, 0);
		scene_nothing_runs_outside(&r);
	}
	scene_stop_at_rest(&r, before);
}

/* A set of one file. */
static int set_of(const char *name, const char *data)
{
	char bytes[1024];
	struct spec_head head = { .magic = SPEC_SET_MAGIC, .version = SPEC_FORMAT_VERSION, .n_files = 1 };
	struct spec_entry entry = { .len = strlen(data) };
	size_t len = sizeof(head) + sizeof(entry) + strlen(name) + 1;

	head.meta_len = len;
	head.size = len + strlen(data);
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), &entry, sizeof(entry));
	memcpy(bytes + sizeof(head) + sizeof(entry), name, strlen(name) + 1);
	memcpy(bytes + len, data, strlen(data));
	return hostile_sealed_memfd(bytes, len + strlen(data), HOSTILE_ALL_SEALS);
}

TEST(a_set_writes_no_file_outside_the_box)
{
	static const char *const names[] = { "../tmp/x", "/tmp/x",  "a/../../tmp/x", "..",   ".",
					     "",	 "a//b",    "./a",	     "a/..", "a/",
					     "/",	 "../../x", "tmp/../../x" };
	struct rig_result res;
	struct rig r;

	scene_start(&r);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fds[2] = { hostile_spec_of("exit 0"), set_of(names[i], "data") };

		(void)scene_send_run(&r, WIRE_RUN_ARTIFACTS, &scene_limits, fds, 2);
		rig_wait_done(&r, &res);
		assert_int_equal(res.done.start_errno, EBADMSG);
		(void)close(fds[0]);
		(void)close(fds[1]);
	}
	for (int good = 0; good < 1; good++) {
		int fds[2] = { hostile_spec_of("cat a/b"), set_of("a/b", "data") };

		(void)scene_send_run(&r, WIRE_RUN_ARTIFACTS, &scene_limits, fds, 2);
		rig_wait_done(&r, &res);
		assert_string_equal(res.out, "data");
		(void)close(fds[0]);
		(void)close(fds[1]);
	}
	scene_stop(&r);
}

/* What a program leaves under the name of a file to be collected. */
TEST(what_is_collected_is_a_regular_file_of_the_program)
{
	static const char *const commands[] = {
		"ln -s /etc/passwd out",
		"ln -s ../../../etc/passwd out",
		"ln -s /proc/1/environ out",
		"ln -s /proc/self/root/etc out",
		"mkfifo out",
		"mkdir out",
		"ln -s out out",
		"ln -s /dev/zero out",
	};
	const char *env[] = { NULL }, *collect[] = { "out", NULL };
	struct rig_result res;
	struct rig r;

	scene_start(&r);
	for (size_t i = 0; i <= sizeof(commands) / sizeof(commands[0]); i++) {
		bool good = i == sizeof(commands) / sizeof(commands[0]);
		const char *argv[] = { "/bin/sh", "-c", good ? "echo mine > out" : commands[i], NULL };
		struct spec spec = { .argv = argv, .env = env, .collect = collect };
		struct stat st;

		(void)rig_send(&r, &spec, &scene_limits);
		rig_wait_done(&r, &res);
		assert_int_equal(res.done.exit_code, 0);
		/* A set of no file has a head only. */
		assert_true(res.artifacts >= 0);
		assert_int_equal(fstat(res.artifacts, &st), 0);
		if (good)
			assert_true(st.st_size > (off_t)sizeof(struct spec_head));
		else
			assert_int_equal(st.st_size, sizeof(struct spec_head));
		(void)close(res.artifacts);
	}
	scene_stop(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		U(limits_beyond_the_maxima_are_cut),
		U(a_spec_or_a_set_that_lies_fails_in_its_slot),
		U(a_set_writes_no_file_outside_the_box),
		U(what_is_collected_is_a_regular_file_of_the_program),
	};

	if (!scene_can_run(argc, argv))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
