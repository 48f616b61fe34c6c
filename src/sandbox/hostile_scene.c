/* SPDX-License-Identifier: MIT */
#include "sandbox/hostile_scene.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sandbox/cgroup.h"

#define MIB ((int64_t)1 << 20)

const struct sandbox_limits scene_limits = {
	.cpu_ms = 5000,
	.wall_ms = 10000,
	.memory_bytes = 64 * MIB,
	.processes = 16,
	.file_bytes = 1 * MIB,
	.disk_bytes = 8 * MIB,
};

int scene_each_child(const struct rig *r, void (*look)(const struct rig *r, const char *pid))
{
	char path[64], text[4096], *save = NULL;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", r->pid, r->pid);
	if (cgroup_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return 0;
	for (char *pid = strtok_r(text, " \n", &save); pid; pid = strtok_r(NULL, " \n", &save), n++)
		look(r, pid);
	return n;
}

static bool is_helper(const char *pid)
{
	char path[64], comm[32];

	snprintf(path, sizeof(path), "/proc/%.12s/comm", pid);
	if (cgroup_read(AT_FDCWD, path, comm, sizeof(comm)) < 0)
		return false;
	return strcmp(comm, "cc-builder\n") == 0 || strcmp(comm, "cc-closer\n") == 0;
}

/* A child of the spawner is one of its helpers, or the init of a pid namespace of its own. */
static void is_in_its_place(const struct rig *r, const char *pid)
{
	char path[64], ours[64], its[64];
	ssize_t n, m;

	if (is_helper(pid))
		return;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", r->pid);
	n = readlink(path, ours, sizeof(ours));
	snprintf(path, sizeof(path), "/proc/%.12s/ns/pid", pid);
	m = readlink(path, its, sizeof(its));
	if (m < 0)
		return; /* it has ended meanwhile */
	if (n == m && memcmp(ours, its, (size_t)n) == 0)
		fail_msg("process %s was started outside a slot", pid);
}

void scene_nothing_runs_outside(const struct rig *r)
{
	/* Every slot once, and again while it dies; builder and closer. */
	assert_true(scene_each_child(r, is_in_its_place) <= 2 * SCENE_POSITIONS + 2);
}

static int count_fds(pid_t pid)
{
	char path[32];
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	if (!d)
		return -1;
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

void scene_holds_as_many_as(const struct rig *r, int before)
{
	int64_t end = clock_mono_ms() + 10000;

	while (count_fds(r->pid) != before && clock_mono_ms() < end)
		(void)poll(NULL, 0, 5);
	assert_int_equal(count_fds(r->pid), before);
}

void scene_canary(struct rig *r)
{
	struct rig_result res;

	rig_sh(r, "echo sings", &scene_limits, &res);
	assert_false(res.refused);
	assert_int_equal(res.done.flags, 0);
	assert_int_equal(res.done.exit_code, 0);
	assert_string_equal(res.out, "sings\n");
	scene_nothing_runs_outside(r);
}

void scene_start(struct rig *r)
{
	rig_config(r, SCENE_SLOTS);
	r->config.log_level = 3; /* not each refused message */
	rig_start(r, SCENE_POSITIONS);
}

void scene_stop(struct rig *r)
{
	int status = rig_stop(r);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int scene_start_at_rest(struct rig *r)
{
	scene_start(r);
	scene_canary(r);
	rig_wait_ready(r, SCENE_POSITIONS);
	return count_fds(r->pid);
}

void scene_stop_at_rest(struct rig *r, int before)
{
	scene_canary(r);
	rig_wait_ready(r, SCENE_POSITIONS);
	scene_holds_as_many_as(r, before);
	scene_stop(r);
}

uint64_t scene_send_run(struct rig *r, uint32_t flags, const struct sandbox_limits *limits, const int *fds,
			size_t n)
{
	struct wire_run m = { .head = { .type = WIRE_RUN, .size = sizeof(m), .run = r->next_id++ },
			      .flags = flags,
			      .limits = *limits };

	rig_send_message(r, &m, fds, n);
	return m.head.run;
}

int scene_end_leftovers(void **state)
{
	(void)state;
	rig_abandon_all();
	return 0;
}

bool scene_can_run(int argc, char **argv)
{
	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return false;
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return true;
}
