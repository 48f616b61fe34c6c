/* SPDX-License-Identifier: MIT */
/*
 * The live spawner against an engine that was taken over: every message it can send, with every kind of
 * descriptor. Whatever it does, the spawner runs nothing outside a slot, goes on serving others' runs
 * meanwhile, leaks nothing, and ends, if it ends, in order. Needs root; CODECRUSHER_SPAWNER names the binary.
 *
 * HOSTILE_SEED repeats a run of the last test, HOSTILE_MESSAGES makes it longer.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/unit.h"
#include "sandbox/cgroup.h"
#include "sandbox/hostile_rig.h"
#include "sandbox/spawner_rig.h"
#include "sandbox/spec_format.h"

#define SLOTS	  2
#define POSITIONS (SLOTS * 2 + 2)
#define MIB	  ((int64_t)1 << 20)

static const struct sandbox_limits usual = {
	.cpu_ms = 5000,
	.wall_ms = 10000,
	.memory_bytes = 64 * MIB,
	.processes = 16,
	.file_bytes = 1 * MIB,
	.disk_bytes = 8 * MIB,
};

static int end_leftovers(void **state)
{
	(void)state;
	rig_abandon_all();
	return 0;
}

static void start(struct rig *r)
{
	rig_config(r, SLOTS);
	r->config.log_level = 3; /* not each refused message */
	rig_start(r, POSITIONS);
}

/* ---- what is looked at from outside */

/* Calls `look` with each child of the spawner. */
static int each_child(const struct rig *r, void (*look)(const struct rig *r, const char *pid))
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

static void nothing_runs_outside(const struct rig *r)
{
	/* Every slot once, and again while it dies; builder and closer. */
	assert_true(each_child(r, is_in_its_place) <= 2 * POSITIONS + 2);
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

/* With every slot ready the spawner holds the same descriptors, whatever came before. It closes those that it
 * was sent beside its work, so wait for it. */
static void holds_as_many_as(const struct rig *r, int before)
{
	int64_t end = clock_mono_ms() + 10000;

	while (count_fds(r->pid) != before && clock_mono_ms() < end)
		(void)poll(NULL, 0, 5);
	assert_int_equal(count_fds(r->pid), before);
}

static void canary(struct rig *r)
{
	struct rig_result res;

	rig_sh(r, "echo sings", &usual, &res);
	assert_false(res.refused);
	assert_int_equal(res.done.flags, 0);
	assert_int_equal(res.done.exit_code, 0);
	assert_string_equal(res.out, "sings\n");
	nothing_runs_outside(r);
}

static void stop(struct rig *r)
{
	int status = rig_stop(r);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static uint64_t send_run(struct rig *r, uint32_t flags, const struct sandbox_limits *limits, const int *fds,
			 size_t n)
{
	struct wire_run m = { .head = { .type = WIRE_RUN, .size = sizeof(m), .run = r->next_id++ },
			      .flags = flags,
			      .limits = *limits };

	rig_send_message(r, &m, fds, n);
	return m.head.run;
}

/* At each place of a run that is right otherwise. */
static void offer(struct rig *r, int fd, size_t place)
{
	int spec = hostile_spec_of("echo ran; id -u"), good = hostile_sealed_memfd("x", 1, HOSTILE_ALL_SEALS);
	int fds[3] = { spec, good, good };
	struct rig_result res;

	fds[place] = fd;
	(void)send_run(r, WIRE_RUN_STDIN | WIRE_RUN_ARTIFACTS, &usual, fds, 3);
	rig_wait_done(r, &res);
	assert_true(res.refused);
	assert_int_equal(strncmp(res.reason, "every descriptor must be a memfd sealed", 39), 0);
	(void)close(spec);
	(void)close(good);
}

TEST(nothing_but_a_sealed_memfd_is_taken)
{
	struct rig r;
	int before;

	start(&r);
	canary(&r);
	rig_wait_ready(&r, POSITIONS);
	before = count_fds(r.pid);
	for (int kind = 0; kind < HOSTILE_KINDS; kind++) {
		for (size_t place = 0; place < 3; place++) {
			int fd = hostile_fd(kind);

			if (fd < 0)
				continue; /* a machine without a terminal, say */
			offer(&r, fd, place);
			(void)close(fd);
		}
	}
	canary(&r);
	rig_wait_ready(&r, POSITIONS);
	holds_as_many_as(&r, before);
	stop(&r);
}

#define MANY 30

static void send_raw(const struct rig *r, const void *bytes, size_t size, const int *fds, size_t n_fds)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * 250)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	memset(&control, 0, sizeof(control));
	if (n_fds > 0) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * n_fds);
	}
	assert_int_equal(sendmsg(r->sock, &m, MSG_NOSIGNAL), (ssize_t)size);
}

TEST(a_descriptor_that_takes_minutes_to_close_holds_nobody_up)
{
	struct wire_run m = { .head = { .type = WIRE_RUN, .size = sizeof(m), .run = 99 }, .limits = usual };
	struct rig_result res;
	int before, fds[MANY];
	int peer[2];
	struct rig r;

	start(&r);
	canary(&r);
	rig_wait_ready(&r, POSITIONS);
	before = count_fds(r.pid);
	fds[0] = hostile_socket_that_lingers(&peer[0]);
	/* Stopped, so that the last to close is the spawner. */
	assert_int_equal(kill(r.pid, SIGSTOP), 0);
	(void)send_run(&r, 0, &usual, fds, 1);
	(void)close(fds[0]);
	assert_int_equal(kill(r.pid, SIGCONT), 0);
	rig_wait_done(&r, &res);
	assert_true(res.refused);
	/* These give up after half a minute. */
	canary(&r);
	canary(&r);
	(void)close(peer[0]);
	holds_as_many_as(&r, before);

	/* The same as the last of many more than any message may have, which ends the connection. */
	for (int i = 0; i < MANY; i++)
		fds[i] = i < MANY - 1 ? hostile_spec_of("echo ran") : hostile_socket_that_lingers(&peer[1]);
	(void)rig_send_sh(&r, "sleep 60", &usual);
	assert_int_equal(kill(r.pid, SIGSTOP), 0);
	send_raw(&r, &m, sizeof(m), fds, MANY);
	for (int i = 0; i < MANY; i++)
		(void)close(fds[i]);
	assert_int_equal(kill(r.pid, SIGCONT), 0);
	stop(&r);
	(void)close(peer[1]);
}

/* Sends it, reading answers as long as there is no room. False when the connection is at its end. */
static bool send_and_read(const struct rig *r, const struct wire_run *m, const int *fds, size_t n)
{
	struct pollfd p = { .fd = r->sock, .events = POLLIN | POLLOUT };
	struct wire_message answer;
	struct err e;

	while (wire_send(r->sock, m, sizeof(*m), fds, n) < 0) {
		if (errno != EAGAIN)
			return false;
		assert_true(poll(&p, 1, 10000) > 0);
		while (wire_receive(r->sock, &answer, &e) > 0)
			wire_close_fds(&answer);
	}
	return true;
}

TEST(descriptors_that_pile_up_end_the_connection)
{
	struct wire_run m = { .head = { .type = WIRE_RUN, .size = sizeof(m), .run = 1 << 20 },
			      .flags = WIRE_RUN_STDIN | WIRE_RUN_ARTIFACTS,
			      .limits = usual };
	int fds[3], peer, sent = 0;
	struct rig r;

	start(&r);
	fds[0] = hostile_socket_that_lingers(&peer);
	fds[1] = fds[2] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(kill(r.pid, SIGSTOP), 0);
	assert_true(send_and_read(&r, &m, fds, 3));
	(void)close(fds[0]);
	assert_int_equal(kill(r.pid, SIGCONT), 0);
	fds[0] = fds[1];
	/* While the first is being closed, the others wait; there is an end to that. */
	while (sent < 20000 && send_and_read(&r, &m, fds, 3))
		sent++;
	assert_in_range(sent, 100, 19999);
	(void)close(fds[1]);
	stop(&r);
	(void)close(peer);
}

static pid_t closer; /* as the last look found it */

static void is_closer(const struct rig *r, const char *pid)
{
	char path[64], comm[32];

	(void)r;
	snprintf(path, sizeof(path), "/proc/%.12s/comm", pid);
	if (cgroup_read(AT_FDCWD, path, comm, sizeof(comm)) == 0 && strcmp(comm, "cc-closer\n") == 0)
		closer = (pid_t)strtol(pid, NULL, 10);
}

static void replace_closer(const struct rig *r)
{
	int64_t end = clock_mono_ms() + 10000;
	pid_t old;

	(void)each_child(r, is_closer);
	old = closer;
	assert_int_equal(kill(old, SIGKILL), 0);
	do
		(void)each_child(r, is_closer);
	while (closer == old && clock_mono_ms() < end);
	assert_int_not_equal(closer, old);
}

TEST(a_lost_closer_is_replaced)
{
	struct rig r;
	int before;

	start(&r);
	canary(&r);
	rig_wait_ready(&r, POSITIONS);
	before = count_fds(r.pid);
	for (int i = 0; i < 5; i++) {
		int fd = hostile_fd(8);

		/* At rest: the one that it has in hand when it dies stays open. */
		holds_as_many_as(&r, before);
		replace_closer(&r);
		offer(&r, fd, 0);
		(void)close(fd);
	}
	canary(&r);
	rig_wait_ready(&r, POSITIONS);
	holds_as_many_as(&r, before);
	stop(&r);
}

/* ---- messages that are none */

struct raw {
	const char *what;
	size_t size;
	uint32_t type, says;
	int n_fds;
};

/* A run goes on while it comes, and is gone with the connection. */
static void ends_the_connection(const struct raw *raw)
{
	static char bytes[200000];
	struct wire_run m = { .head = { .type = raw->type, .size = raw->says, .run = 77 }, .limits = usual };
	int fds[250], spec = hostile_spec_of("echo ran");
	struct rig r;

	rig_config(&r, 1);
	r.config.log_level = 4;
	rig_start(&r, 1);
	(void)rig_send_sh(&r, "sleep 60", &usual);
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &m, sizeof(m));
	for (int i = 0; i < raw->n_fds; i++)
		fds[i] = spec;
	send_raw(&r, bytes, raw->size, fds, (size_t)raw->n_fds);
	(void)close(spec);
	stop(&r);
}

TEST(a_message_of_the_wrong_form_ends_the_connection_in_order)
{
	const uint32_t run = sizeof(struct wire_run), kill_size = sizeof(struct wire_kill);
	const struct raw raws[] = {
		{ "nothing", 0, WIRE_RUN, run, 0 },
		{ "nothing, with descriptors", 0, WIRE_RUN, run, 3 },
		{ "a byte", 1, WIRE_RUN, run, 1 },
		{ "a head alone", sizeof(struct wire_head), WIRE_RUN, run, 1 },
		{ "a byte less", run - 1, WIRE_RUN, run, 1 },
		{ "a byte more", run + 1, WIRE_RUN, run, 1 },
		{ "a size that lies", run, WIRE_RUN, run + 1, 1 },
		{ "a size that lies much", run, WIRE_RUN, UINT32_MAX, 1 },
		{ "64 KiB", 65536, WIRE_RUN, 65536, 1 },
		{ "more than 64 KiB", 150000, WIRE_RUN, run, 1 },
		{ "no descriptor", run, WIRE_RUN, run, 0 },
		{ "two descriptors for one", run, WIRE_RUN, run, 2 },
		{ "four descriptors", run, WIRE_RUN, run, 4 },
		{ "five descriptors", run, WIRE_RUN, run, 5 },
		{ "250 descriptors", run, WIRE_RUN, run, 250 },
		{ "no type", run, 0, run, 1 },
		{ "an unknown type", run, 1000, run, 1 },
		{ "a kill for no reason", kill_size, WIRE_KILL, kill_size, 0 },
		{ "a kill with a descriptor", kill_size, WIRE_KILL, kill_size, 1 },
		{ "our own greeting", sizeof(struct wire_hello), WIRE_HELLO, sizeof(struct wire_hello), 0 },
		{ "our own state", sizeof(struct wire_state), WIRE_STATE, sizeof(struct wire_state), 0 },
		{ "our own start", sizeof(struct wire_started), WIRE_STARTED, sizeof(struct wire_started),
		  2 },
		{ "our own end", sizeof(struct wire_done), WIRE_DONE, sizeof(struct wire_done), 0 },
		{ "our own refusal", sizeof(struct wire_refused), WIRE_REFUSED, sizeof(struct wire_refused),
		  0 },
	};

	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		print_message("  %s\n", raws[i].what);
		ends_the_connection(&raws[i]);
	}
}

TEST(a_connection_that_is_half_closed_ends_in_order)
{
	static const int hows[] = { SHUT_RD, SHUT_WR, SHUT_RDWR };

	for (size_t i = 0; i < 3; i++) {
		struct rig r;

		start(&r);
		(void)rig_send_sh(&r, "sleep 1; exit 0", &usual);
		assert_int_equal(shutdown(r.sock, hows[i]), 0);
		if (hows[i] != SHUT_RD) {
			stop(&r);
			continue;
		}
		/* It can still be told something, and notices when it has something to tell. */
		stop(&r);
	}
}

/* ---- too much of what is right */

/* Everything that comes until `wanted` answers, refused or done, did; how many were done. */
static size_t count_answers(struct rig *r, size_t wanted)
{
	struct rig_result res;
	size_t done = 0;

	for (size_t i = 0; i < wanted; i++) {
		rig_wait_done(r, &res);
		done += !res.refused;
		if (res.artifacts >= 0)
			(void)close(res.artifacts);
	}
	return done;
}

static bool try_send(const struct rig *r, uint64_t id, int spec)
{
	struct wire_run m = { .head = { .type = WIRE_RUN, .size = sizeof(m), .run = id }, .limits = usual };

	return wire_send(r->sock, &m, sizeof(m), &spec, 1) == 0;
}

TEST(a_flood_that_is_never_read_is_answered_when_it_is)
{
	int spec = hostile_spec_of("exit 0"), before;
	struct pollfd p = { .events = POLLOUT };
	size_t sent = 0;
	struct rig r;

	start(&r);
	canary(&r);
	rig_wait_ready(&r, POSITIONS);
	before = count_fds(r.pid);
	p.fd = r.sock;
	/* Until the spawner, with its own answers stuck, reads no more. */
	while (poll(&p, 1, 500) > 0 && sent < 100000) {
		while (try_send(&r, 1000 + sent, spec))
			sent++;
	}
	assert_in_range(sent, SLOTS + 1, 99999);
	nothing_runs_outside(&r);
	/* Of those that found room, each has exactly one answer. */
	assert_true(count_answers(&r, sent) >= SLOTS);
	canary(&r);
	rig_wait_ready(&r, POSITIONS);
	holds_as_many_as(&r, before);
	(void)close(spec);
	stop(&r);
}

TEST(limits_hold_while_the_engine_reads_nothing)
{
	struct sandbox_limits limits = usual;
	int spec = hostile_spec_of("exit 0");
	struct rig_result res;
	struct rig r;
	int64_t sent;

	limits.wall_ms = 300;
	start(&r);
	(void)rig_send_sh(&r, "yes", &limits); /* its pipe is full soon, and stays so */
	(void)rig_send_sh(&r, "while :; do :; done", &limits);
	sent = clock_mono_ms();
	for (uint64_t id = 1000; id < 3000 && try_send(&r, id, spec); id++)
		;
	/* Longer than the limit; what is waited for is the time of the run as the spawner reports it. */
	while (clock_mono_ms() - sent < 3000)
		(void)poll(NULL, 0, 100);
	for (int ended = 0; ended < 2;) {
		rig_wait_done(&r, &res);
		if (res.refused || res.done.stop == WIRE_STOP_NONE)
			continue;
		ended++;
		assert_int_equal(res.done.stop, WIRE_STOP_WALL);
		assert_true(res.done.wall_us < 2900000);
	}
	(void)close(spec);
	rig_abandon_all();
}

TEST(a_pipe_that_nobody_reads_holds_up_its_own_program_alone)
{
	struct rig_result res;
	struct rig r;
	int out, err;

	start(&r);
	(void)rig_send_sh(&r, "yes", &usual);
	rig_wait_started(&r, &out, &err);
	for (int i = 0; i < 5; i++)
		canary(&r);
	rig_kill(&r, 1, WIRE_STOP_OUTPUT);
	rig_wait_done(&r, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_OUTPUT);
	(void)close(out);
	(void)close(err);
	stop(&r);
}

TEST(a_storm_of_kills_hits_nothing_but_the_run_it_names)
{
	struct rig_result res;
	struct rig r;
	uint64_t kept;

	start(&r);
	kept = rig_send_sh(&r, "sleep 1; echo there; exit 9", &usual);
	for (int i = 0; i < 20000; i++) {
		struct wire_kill m = { .head = { .type = WIRE_KILL,
						 .size = sizeof(m),
						 .run = (uint64_t)i * 0x9e3779b97f4a7c15u | 0x100 },
				       .stop = i % 2 ? WIRE_STOP_CANCELLED : WIRE_STOP_OUTPUT };
		struct pollfd p = { .fd = r.sock, .events = POLLOUT };

		while (wire_send(r.sock, &m, sizeof(m), NULL, 0) < 0)
			assert_true(poll(&p, 1, 10000) > 0);
	}
	rig_wait_done(&r, &res);
	assert_int_equal(res.done.head.run, kept);
	assert_int_equal(res.done.exit_code, 9);
	canary(&r);
	stop(&r);
}

TEST(an_id_serves_one_run_at_a_time_and_may_be_used_again)
{
	int spec = hostile_spec_of("sleep 60");
	struct rig_result res;
	struct rig r;

	start(&r);
	assert_true(try_send(&r, 5000, spec));
	for (int i = 0; i < 20; i++) {
		assert_true(try_send(&r, 5000, spec));
		rig_wait_done(&r, &res);
		assert_true(res.refused);
		assert_string_equal(res.reason, "this run id is in use");
	}
	for (int i = 0; i < 5; i++)
		rig_kill(&r, 5000, WIRE_STOP_CANCELLED);
	rig_wait_done(&r, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_CANCELLED);
	(void)close(spec);
	spec = hostile_spec_of("exit 3");
	assert_true(try_send(&r, 5000, spec));
	rig_wait_done(&r, &res);
	assert_int_equal(res.done.exit_code, 3);
	(void)close(spec);
	stop(&r);
}

/* ---- specs and file sets that lie */

TEST(limits_beyond_the_maxima_are_cut)
{
	struct sandbox_limits limits = { INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX };
	struct rig_result res;
	struct rig r;

	rig_config(&r, SLOTS);
	r.config.maxima = usual;
	r.config.maxima.wall_ms = 1500;
	rig_start(&r, POSITIONS);
	rig_sh(&r, "sleep 60", &limits, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_WALL);
	assert_true(res.done.wall_us < 5000000);
	rig_sh(&r, "exec dd if=/dev/zero of=/dev/null bs=80M count=1", &limits, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_MEMORY);
	rig_sh(&r, "exec dd if=/dev/zero of=big bs=64k count=32", &limits, &res);
	assert_int_equal(res.done.signal, SIGXFSZ);
	rig_sh(&r, "i=0; while [ $i -lt 40 ]; do sleep 1 & i=$((i + 1)); done; exit 7", &limits, &res);
	assert_int_not_equal(res.done.exit_code, 7);
	stop(&r);
}

/* What no spec_memfd would write. */
static int bent_spec(unsigned *seed, uint32_t magic)
{
	int good = hostile_spec_of("echo ran; touch /box/ran"), fd;
	char bytes[4096];
	ssize_t n = pread(good, bytes, sizeof(bytes) - 64, 0);
	struct spec_head *head = (void *)bytes;

	assert_true(n > (ssize_t)sizeof(*head));
	(void)close(good);
	head->magic = magic;
	switch (rand_r(seed) % 8) {
	case 0:
		n = rand_r(seed) % n;
		break;
	case 1:
		head->n_argv = (uint32_t)rand_r(seed) << (rand_r(seed) % 8);
		break;
	case 2:
		head->n_files = (uint32_t)rand_r(seed);
		break;
	case 3:
		head->meta_len = (uint64_t)rand_r(seed) << (rand_r(seed) % 33);
		break;
	case 4:
		head->size = UINT64_MAX - (uint64_t)rand_r(seed) % 100;
		break;
	default:
		for (int i = 0; i < 8; i++)
			bytes[rand_r(seed) % n] = (char)rand_r(seed);
	}
	fd = hostile_sealed_memfd(bytes, (size_t)n, 0);
	/* A size of terabytes, and nothing in it. */
	if (rand_r(seed) % 8 == 0)
		assert_int_equal(ftruncate(fd, (off_t)1 << (30 + rand_r(seed) % 12)), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, HOSTILE_ALL_SEALS), 0);
	return fd;
}

TEST(a_spec_or_a_set_that_lies_fails_in_its_slot)
{
	unsigned seed = 7;
	struct rig_result res;
	struct rig r;
	int before;

	start(&r);
	canary(&r);
	rig_wait_ready(&r, POSITIONS);
	before = count_fds(r.pid);
	for (int i = 0; i < 120; i++) {
		int fds[2] = { i % 2 ? hostile_spec_of("exit 0") : bent_spec(&seed, SPEC_MAGIC),
			       bent_spec(&seed, SPEC_SET_MAGIC) };

		(void)send_run(&r, i % 2 ? WIRE_RUN_ARTIFACTS : WIRE_RUN_COLLECT, &usual, fds, i % 2 ? 2 : 1);
		(void)close(fds[0]);
		(void)close(fds[1]);
		rig_wait_done(&r, &res);
		assert_false(res.refused);
		assert_true(res.artifacts < 0);
		if (i % 2)
			assert_int_not_equal(res.done.exit_code, 0);
		nothing_runs_outside(&r);
	}
	canary(&r);
	rig_wait_ready(&r, POSITIONS);
	holds_as_many_as(&r, before);
	stop(&r);
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

	start(&r);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fds[2] = { hostile_spec_of("exit 0"), set_of(names[i], "data") };

		(void)send_run(&r, WIRE_RUN_ARTIFACTS, &usual, fds, 2);
		rig_wait_done(&r, &res);
		assert_int_equal(res.done.start_errno, EBADMSG);
		(void)close(fds[0]);
		(void)close(fds[1]);
	}
	for (int good = 0; good < 1; good++) {
		int fds[2] = { hostile_spec_of("cat a/b"), set_of("a/b", "data") };

		(void)send_run(&r, WIRE_RUN_ARTIFACTS, &usual, fds, 2);
		rig_wait_done(&r, &res);
		assert_string_equal(res.out, "data");
		(void)close(fds[0]);
		(void)close(fds[1]);
	}
	stop(&r);
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

	start(&r);
	for (size_t i = 0; i <= sizeof(commands) / sizeof(commands[0]); i++) {
		bool good = i == sizeof(commands) / sizeof(commands[0]);
		const char *argv[] = { "/bin/sh", "-c", good ? "echo mine > out" : commands[i], NULL };
		struct spec spec = { .argv = argv, .env = env, .collect = collect };
		struct stat st;

		(void)rig_send(&r, &spec, &usual);
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
	stop(&r);
}

/* ---- all of it at random */

static int64_t odd_number(unsigned *seed)
{
	static const int64_t odd[] = { 1, 0, -1, INT64_MAX, INT64_MIN, 4095, 4096, 65536, 1 << 20, 200 };

	return rand_r(seed) % 4 ? 1000 + rand_r(seed) % 100 : odd[(size_t)rand_r(seed) % 10];
}

static struct sandbox_limits odd_limits(unsigned *seed)
{
	struct sandbox_limits l = usual;

	if (rand_r(seed) % 2 == 0)
		l = (struct sandbox_limits){ odd_number(seed), odd_number(seed), odd_number(seed) * 32768,
					     odd_number(seed), odd_number(seed), odd_number(seed) };
	/* A run that does not end by itself is ended soon. */
	if (l.wall_ms > 200 || l.wall_ms <= 0)
		l.wall_ms = rand_r(seed) % 16 ? 200 : l.wall_ms;
	return l;
}

static int odd_fd(unsigned *seed, size_t place)
{
	static const char *const commands[] = {
		"exit 0",    "kill -9 $$",	    "sleep 60",
		"yes",	     "cat > /dev/null",	    "exit 300; true",
		"exec 1>&-", "sleep 5 & sleep 5 &", "dd if=/dev/zero of=x bs=1M"
	};
	int kind = rand_r(seed) % 4;

	if (kind == 0)
		return hostile_fd(rand_r(seed) % HOSTILE_KINDS);
	if (kind == 1)
		return bent_spec(seed, place == 2 ? SPEC_SET_MAGIC : SPEC_MAGIC);
	return place == 0 ? hostile_spec_of(commands[(size_t)rand_r(seed) % 9])
			  : hostile_sealed_memfd("x", 1, HOSTILE_ALL_SEALS);
}

/* Of the right form, so that the connection stays. Whether an answer will come. */
static bool send_odd(struct rig *r, unsigned *seed, uint64_t *last)
{
	uint32_t flags = (uint32_t)rand_r(seed) % 8;
	struct wire_run m = { .head = { .type = WIRE_RUN, .size = sizeof(m) },
			      .flags = flags,
			      .warm = rand_r(seed) % 8 ? 0 : (uint32_t)rand_r(seed) % (SANDBOX_MAX_WARM + 1),
			      .limits = odd_limits(seed) };
	size_t n = 1 + (flags & 1) + ((flags >> 1) & 1);
	int fds[3] = { -1, -1, -1 };
	bool sent;

	/* Now and then an id that is in use, or was. */
	m.head.run = rand_r(seed) % 8 || *last == 0 ? r->next_id++ : *last;
	*last = m.head.run;
	for (size_t i = 0; i < n; i++) {
		fds[i] = odd_fd(seed, i);
		if (fds[i] < 0)
			fds[i] = hostile_fd(0);
	}
	sent = wire_send(r->sock, &m, sizeof(m), fds, n) == 0;
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
	if (rand_r(seed) % 4 == 0)
		rig_kill(r, *last - (uint64_t)(rand_r(seed) % 3), WIRE_STOP_CANCELLED);
	return sent;
}

static unsigned number_from(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

TEST(anything_at_random_has_one_answer_and_leaves_nothing)
{
	unsigned seed = number_from("HOSTILE_SEED", (unsigned)clock_mono_ns());
	unsigned n = number_from("HOSTILE_MESSAGES", 250);
	uint64_t last = 0;
	struct rig r;
	int before;

	print_message("HOSTILE_SEED=%u\n", seed);
	start(&r);
	canary(&r);
	rig_wait_ready(&r, POSITIONS);
	before = count_fds(r.pid);
	for (unsigned i = 0; i < n; i++) {
		size_t burst = 1 + (size_t)rand_r(&seed) % 4, sent = 0;

		for (size_t k = 0; k < burst; k++)
			sent += send_odd(&r, &seed, &last);
		(void)count_answers(&r, sent);
		nothing_runs_outside(&r);
		if (i % 32 == 0)
			canary(&r);
	}
	canary(&r);
	rig_wait_ready(&r, POSITIONS);
	holds_as_many_as(&r, before);
	stop(&r);
}

#define U(name) cmocka_unit_test_teardown(name, end_leftovers)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		U(nothing_but_a_sealed_memfd_is_taken),
		U(a_descriptor_that_takes_minutes_to_close_holds_nobody_up),
		U(descriptors_that_pile_up_end_the_connection),
		U(a_lost_closer_is_replaced),
		U(a_message_of_the_wrong_form_ends_the_connection_in_order),
		U(a_connection_that_is_half_closed_ends_in_order),
		U(a_flood_that_is_never_read_is_answered_when_it_is),
		U(limits_hold_while_the_engine_reads_nothing),
		U(a_pipe_that_nobody_reads_holds_up_its_own_program_alone),
		U(a_storm_of_kills_hits_nothing_but_the_run_it_names),
		U(an_id_serves_one_run_at_a_time_and_may_be_used_again),
		U(limits_beyond_the_maxima_are_cut),
		U(a_spec_or_a_set_that_lies_fails_in_its_slot),
		U(a_set_writes_no_file_outside_the_box),
		U(what_is_collected_is_a_regular_file_of_the_program),
		U(anything_at_random_has_one_answer_and_leaves_nothing),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return 77;
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
