/* SPDX-License-Identifier: MIT */
/* The real spawner, from start to end. Needs root; CODECRUSHER_SPAWNER names the binary. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/unit.h"
#include "sandbox/cgroup.h"
#include "sandbox/spawner_rig.h"

#define SLOTS	  2
#define POSITIONS (SLOTS * 2 + 2)

static const struct sandbox_limits usual = {
	.cpu_ms = 5000,
	.wall_ms = 10000,
	.memory_bytes = 64 << 20,
	.processes = 16,
	.file_bytes = 1 << 20,
	.disk_bytes = 8 << 20,
};

/* What a test that failed half-way left running would make those after it fail too. */
static int end_leftovers(void **state)
{
	(void)state;
	rig_abandon_all();
	return 0;
}

/* The real uid of a process, -1 when it is gone or dead: an orphan's zombie stays until the host's init finds
 * it. (Who owns /proc/<pid> says nothing of one that is not
 * dumpable.) */
static long uid_of(const char *pid)
{
	char path[64], text[2048];
	const char *line;

	snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
	if (cgroup_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return -1;
	if (strstr(text, "\nState:\tZ"))
		return -1;
	line = strstr(text, "\nUid:");
	return line ? strtol(line + 5, NULL, 10) : -1;
}

/* Processes with a uid of any slot. */
static int count_processes(const struct rig *r)
{
	DIR *d = opendir("/proc");
	struct dirent *entry;
	int n = 0;

	assert_non_null(d);
	while ((entry = readdir(d))) {
		long uid = entry->d_name[0] >= '0' && entry->d_name[0] <= '9' ? uid_of(entry->d_name) : -1;

		n += uid >= (long)r->config.uid_base && uid < (long)r->config.uid_base + 256 * 4096;
	}
	(void)closedir(d);
	return n;
}

/* Slots' groups in one tree of instance 0; -1 when the instance has no group. */
static int count_groups(const struct rig *r, size_t tree)
{
	struct cgroup_layout layout;
	char leaf[80], path[1200];
	struct dirent *entry;
	struct err e;
	DIR *d;
	int n = 0;

	snprintf(leaf, sizeof(leaf), "%s-ctl", r->config.cgroup_parent);
	assert_int_equal(cgroup_detect(leaf, &layout, &e), 0);
	snprintf(path, sizeof(path), "%s/%s/i0", layout.trees[tree].dir, r->config.cgroup_parent);
	d = opendir(path);
	if (!d)
		return -1;
	while ((entry = readdir(d)))
		n += entry->d_type == DT_DIR && entry->d_name[0] == 's';
	(void)closedir(d);
	return n;
}

static void start(struct rig *r)
{
	rig_config(r, SLOTS);
	rig_start(r, POSITIONS);
}

static void stop(struct rig *r)
{
	int status = rig_stop(r);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(count_processes(r), 0);
	assert_int_equal(count_groups(r, 0), -1);
}

TEST(it_greets_with_its_version_and_slots)
{
	struct rig r;

	start(&r);
	assert_string_equal(r.hello.version, CODECRUSHER_VERSION);
	assert_int_equal(r.hello.slots, SLOTS);
	assert_int_equal(r.hello.weak, 0);
	assert_int_equal(r.state.ready, POSITIONS);
	assert_int_equal(r.state.broken, 0);
	stop(&r);
}

TEST(exit_status_signal_and_output_are_the_programs_own)
{
	struct rig_result res;
	struct rig r;

	start(&r);
	rig_sh(&r, "echo out; echo err >&2; exit 7", &usual, &res);
	assert_int_equal(res.done.flags, 0);
	assert_int_equal(res.done.stop, WIRE_STOP_NONE);
	assert_int_equal(res.done.exit_code, 7);
	assert_int_equal(res.done.signal, 0);
	assert_string_equal(res.out, "out\n");
	assert_string_equal(res.err, "err\n");
	assert_true(res.done.cpu_us > 0 && res.done.wall_us > 0 && res.done.memory_bytes > 0);
	for (int sig = 1; sig <= 15; sig += 7) { /* HUP, FPE, TERM */
		char command[32];

		snprintf(command, sizeof(command), "kill -%d $$", sig);
		rig_sh(&r, command, &usual, &res);
		assert_int_equal(res.done.exit_code, -1);
		assert_int_equal(res.done.signal, sig);
		assert_int_equal(res.done.stop, WIRE_STOP_NONE);
	}
	stop(&r);
}

TEST(the_cpu_limit_stops_a_spinning_program)
{
	struct sandbox_limits limits = usual;
	struct rig_result res;
	struct rig r;

	limits.cpu_ms = 200;
	start(&r);
	rig_sh(&r, "while :; do :; done", &limits, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_CPU);
	assert_int_equal(res.done.exit_code, -1);
	assert_int_equal(res.done.signal, 0);
	/* On a busy machine the kill comes late; that it is by CPU time and not before is what counts. */
	assert_true(res.done.cpu_us > 200000 && res.done.cpu_us < 5000000);
	/* Time of children counts. */
	rig_sh(&r, "(while :; do :; done) & (while :; do :; done) & wait", &limits, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_CPU);
	assert_true(res.done.cpu_us > 200000 && res.done.cpu_us < 300000);
	stop(&r);
}

TEST(the_wall_limit_stops_a_sleeping_program)
{
	struct sandbox_limits limits = usual;
	struct rig_result res;
	struct rig r;

	limits.wall_ms = 150;
	start(&r);
	rig_sh(&r, "trap '' TERM INT; sleep 60", &limits, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_WALL);
	assert_int_equal(res.done.exit_code, -1);
	assert_true(res.done.wall_us >= 150000 && res.done.wall_us < 1000000);
	stop(&r);
}

TEST(the_memory_limit_counts_every_process)
{
	struct rig_result res;
	struct rig r;

	start(&r);
	rig_sh(&r, "exec dd if=/dev/zero of=/dev/null bs=200M count=1", &usual, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_MEMORY);
	assert_int_equal(res.done.exit_code, -1);
	assert_int_equal(res.done.signal, 0);
	assert_true(res.done.memory_bytes > (50 << 20) && res.done.memory_bytes <= (64 << 20));
	/* A child that is killed for memory, while the main process would have gone on and ended well. */
	rig_sh(&r, "dd if=/dev/zero of=/dev/null bs=200M count=1; sleep 5; exit 0", &usual, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_MEMORY);
	/* Within the limit. */
	rig_sh(&r, "exec dd if=/dev/zero of=/dev/null bs=20M count=1", &usual, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_NONE);
	assert_int_equal(res.done.exit_code, 0);
	assert_true(res.done.memory_bytes >= (20 << 20) && res.done.memory_bytes < (40 << 20));
	stop(&r);
}

TEST(a_memory_limit_below_what_a_slot_needs_is_a_memory_stop)
{
	struct sandbox_limits limits = usual;
	struct rig_result res;
	struct rig r;

	limits.memory_bytes = 1;
	start(&r);
	rig_sh(&r, "true", &limits, &res);
	assert_false(res.refused);
	assert_int_equal(res.done.stop, WIRE_STOP_MEMORY);
	rig_sh(&r, "true", &usual, &res);
	assert_int_equal(res.done.exit_code, 0);
	stop(&r);
}

TEST(a_fork_bomb_meets_the_process_limit_and_leaves_nothing)
{
	struct rig_result res;
	struct rig r;
	int before;

	start(&r);
	before = count_processes(&r);
	/* The shell ends when it cannot fork; its children would sleep on. */
	rig_sh(&r, "n=0; while :; do sleep 100 & n=$((n+1)); echo $n; done", &usual, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_NONE);
	assert_int_equal(res.done.exit_code, 2);
	assert_non_null(strstr(res.out, "\n15\n"));
	assert_null(strstr(res.out, "\n16\n"));
	rig_wait_ready(&r, POSITIONS);
	assert_int_equal(count_processes(&r), before);
	stop(&r);
}

TEST(the_run_ends_with_its_main_process)
{
	struct rig_result res;
	struct rig r;

	start(&r);
	rig_sh(&r, "(trap '' HUP TERM; exec sleep 100) & exit 3", &usual, &res);
	assert_int_equal(res.done.exit_code, 3);
	assert_true(res.done.wall_us < 2000000);
	stop(&r);
}

TEST(cancelling_kills_long_before_the_end)
{
	struct rig_result res;
	int64_t asked;
	struct rig r;
	int out, err;
	uint64_t id;

	start(&r);
	id = rig_send_sh(&r, "trap '' TERM; sleep 60", &usual);
	rig_wait_started(&r, &out, &err);
	rig_kill(&r, id, WIRE_STOP_CANCELLED);
	asked = clock_mono_ms();
	rig_wait_done(&r, &res);
	/* The program would sleep for 60 s; a busy machine may take its time. */
	assert_true(clock_mono_ms() - asked < 5000);
	assert_int_equal(res.done.stop, WIRE_STOP_CANCELLED);
	assert_int_equal(res.done.exit_code, -1);
	rig_kill(&r, id, WIRE_STOP_CANCELLED); /* unknown by now, and ignored */
	rig_sh(&r, "exit 4", &usual, &res);
	assert_int_equal(res.done.exit_code, 4);
	(void)close(out);
	(void)close(err);
	stop(&r);
}

TEST(two_hundred_runs_with_four_at_once_end_as_they_should)
{
	uint64_t expected[201] = { 0 };
	unsigned sent = 0, ended = 0;
	struct rig_result res;
	struct rig r;

	rig_config(&r, 4);
	rig_start(&r, 10);
	while (ended < 200) {
		for (; sent < 200 && sent - ended < 4; sent++) {
			char command[32];
			uint64_t id;

			snprintf(command, sizeof(command), "exit %u", sent % 100);
			id = rig_send_sh(&r, command, &usual);
			assert_in_range(id, 1, 200);
			expected[id] = sent % 100;
		}
		rig_wait_done(&r, &res);
		assert_false(res.refused);
		assert_int_equal(res.done.flags, 0);
		assert_int_equal(res.done.exit_code, expected[res.done.head.run]);
		ended++;
	}
	rig_wait_ready(&r, 10);
	assert_int_equal(count_groups(&r, 0), 10);
	stop(&r);
}

TEST(more_runs_than_slots_are_refused)
{
	struct rig_result res;
	struct rig r;
	uint64_t ids[SLOTS];

	start(&r);
	for (int i = 0; i < SLOTS; i++)
		ids[i] = rig_send_sh(&r, "sleep 60", &usual);
	rig_sh(&r, "true", &usual, &res);
	assert_true(res.refused);
	assert_string_equal(res.reason, "every slot is taken");
	for (int i = 0; i < SLOTS; i++) {
		rig_kill(&r, ids[i], WIRE_STOP_OUTPUT);
		rig_wait_done(&r, &res);
		assert_int_equal(res.done.stop, WIRE_STOP_OUTPUT);
	}
	stop(&r);
}

TEST(bad_requests_are_refused_one_by_one)
{
	struct sandbox_limits limits = usual;
	struct rig_result res;
	struct rig r;
	int fd, null;

	start(&r);
	limits.cpu_ms = 0;
	rig_sh(&r, "true", &limits, &res);
	assert_true(res.refused);
	limits = usual;
	limits.memory_bytes = -5;
	rig_sh(&r, "true", &limits, &res);
	assert_true(res.refused);

	fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		struct wire_run m = { .head = { .type = WIRE_RUN, .size = sizeof(m), .run = 1000 },
				      .limits = usual };

		rig_send_message(&r, &m, i ? &null : &fd, 1);
		rig_wait_done(&r, &res);
		assert_true(res.refused);
		assert_int_equal(strncmp(res.reason, "every descriptor", 16), 0);
	}
	(void)close(fd);
	(void)close(null);

	(void)rig_send_sh(&r, "sleep 60", &usual);
	r.next_id--;
	rig_sh(&r, "true", &usual, &res);
	assert_true(res.refused);
	assert_string_equal(res.reason, "this run id is in use");
	stop(&r);
}

TEST(limits_are_cut_to_the_maxima)
{
	struct sandbox_limits limits = usual;
	struct rig_result res;
	struct rig r;

	rig_config(&r, 1);
	r.config.maxima.wall_ms = r.config.usual.wall_ms = 100;
	rig_start(&r, 1);
	limits.wall_ms = INT64_MAX;
	limits.cpu_ms = INT64_MAX;
	limits.memory_bytes = INT64_MAX;
	rig_sh(&r, "sleep 60", &limits, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_WALL);
	stop(&r);
}

/* Whether a program may have more than 32 processes, 64 MiB of memory and 8 MiB of files, each by itself. */
static void has_more(struct rig *r, const struct sandbox_limits *limits, bool more)
{
	struct rig_result res;

	rig_sh(r, "for i in $(seq 40); do sleep 60 & done; echo all", limits, &res);
	assert_string_equal(res.out, more ? "all\n" : "");
	rig_sh(r, "exec dd if=/dev/zero of=/dev/null bs=80M count=1", limits, &res);
	assert_int_equal(res.done.stop, more ? WIRE_STOP_NONE : WIRE_STOP_MEMORY);
	rig_sh(r, "exec dd if=/dev/zero of=large bs=1M count=12", limits, &res);
	assert_int_equal(res.done.exit_code, more ? 0 : 1);
}

TEST(the_usual_limits_are_in_force_already_and_others_are_set)
{
	struct sandbox_limits limits;
	struct rig r;

	start(&r);
	limits = r.config.usual;
	limits.file_bytes = r.config.maxima.file_bytes;
	has_more(&r, &limits, false);
	has_more(&r, &r.config.maxima, true);
	has_more(&r, &limits, false);
	stop(&r);
}

TEST(a_malformed_message_ends_the_connection_and_every_slot)
{
	struct wire_kill m = { .head = { .type = WIRE_KILL, .size = sizeof(m) }, .stop = WIRE_STOP_WALL };
	struct rig r;

	start(&r);
	(void)rig_send_sh(&r, "sleep 60", &usual);
	rig_send_message(&r, &m, NULL, 0);
	stop(&r);
}

TEST(an_engine_that_vanishes_takes_its_programs_along)
{
	struct rig r;
	int out, err;

	start(&r);
	(void)rig_send_sh(&r, "trap '' TERM HUP; sleep 60 & sleep 60", &usual);
	rig_wait_started(&r, &out, &err);
	(void)close(out);
	(void)close(err);
	stop(&r);
}

TEST(nothing_survives_a_killed_spawner)
{
	struct pollfd p = { .events = POLLIN };
	struct rig r, next;
	int out, err, status;

	start(&r);
	(void)rig_send_sh(&r, "trap '' TERM HUP; sleep 60 & sleep 60", &usual);
	rig_wait_started(&r, &out, &err);
	rig_forget(r.pid);
	assert_int_equal(kill(r.pid, SIGKILL), 0);
	assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
	/* The program's end of the pipe closes when its last process is gone. */
	p.fd = out;
	while (poll(&p, 1, 5000) > 0 && !(p.revents & POLLHUP))
		;
	assert_true(p.revents & POLLHUP);
	(void)close(r.sock);
	(void)close(out);
	(void)close(err);
	/* The next one takes over the instance and sweeps what is left of it. */
	start(&next);
	assert_int_equal(count_groups(&next, 0), POSITIONS);
	assert_int_equal(count_processes(&next), 2 * POSITIONS);
	stop(&next);
}

TEST(two_workers_of_one_host_share_nothing)
{
	struct rig a, b;
	struct rig_result res;
	int out, err;
	uint64_t id;

	start(&a);
	id = rig_send_sh(&a, "id -u; sleep 60", &usual);
	rig_wait_started(&a, &out, &err);
	start(&b);
	rig_sh(&b, "id -u", &usual, &res);
	assert_int_equal(res.done.exit_code, 0);
	assert_true(strtoul(res.out, NULL, 10) >= b.config.uid_base + 4096);
	rig_stop(&b);
	rig_kill(&a, id, WIRE_STOP_CANCELLED);
	rig_wait_done(&a, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_CANCELLED);
	(void)close(out);
	(void)close(err);
	stop(&a);
}

static pid_t builder_of(const struct rig *r)
{
	char path[64], comm[32];
	int pid, found = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", r->pid, r->pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (found < 0 && fscanf(f, "%d", &pid) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		if (cgroup_read(AT_FDCWD, path, comm, sizeof(comm)) == 0 && strcmp(comm, "cc-builder\n") == 0)
			found = pid;
	}
	(void)fclose(f);
	assert_true(found > 0);
	return found;
}

TEST(a_lost_builder_is_replaced)
{
	struct rig_result res;
	struct rig r;

	start(&r);
	assert_int_equal(kill(builder_of(&r), SIGKILL), 0);
	for (int i = 0; i < 2 * POSITIONS; i++) {
		rig_sh(&r, "exit 5", &usual, &res);
		assert_int_equal(res.done.exit_code, 5);
	}
	rig_wait_ready(&r, POSITIONS);
	assert_int_equal(count_groups(&r, 0), POSITIONS);
	stop(&r);
}

#define U(name) cmocka_unit_test_teardown(name, end_leftovers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		U(it_greets_with_its_version_and_slots),
		U(exit_status_signal_and_output_are_the_programs_own),
		U(the_cpu_limit_stops_a_spinning_program),
		U(the_wall_limit_stops_a_sleeping_program),
		U(the_memory_limit_counts_every_process),
		U(a_memory_limit_below_what_a_slot_needs_is_a_memory_stop),
		U(a_fork_bomb_meets_the_process_limit_and_leaves_nothing),
		U(the_run_ends_with_its_main_process),
		U(cancelling_kills_long_before_the_end),
		U(two_hundred_runs_with_four_at_once_end_as_they_should),
		U(more_runs_than_slots_are_refused),
		U(bad_requests_are_refused_one_by_one),
		U(limits_are_cut_to_the_maxima),
		U(the_usual_limits_are_in_force_already_and_others_are_set),
		U(a_malformed_message_ends_the_connection_and_every_slot),
		U(an_engine_that_vanishes_takes_its_programs_along),
		U(nothing_survives_a_killed_spawner),
		U(two_workers_of_one_host_share_nothing),
		U(a_lost_builder_is_replaced),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
