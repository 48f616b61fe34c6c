/* SPDX-License-Identifier: MIT */
/*
 * The live spawner against an engine that was taken over: messages and descriptors that are wrong. Whatever
 * it does, the spawner runs nothing outside a slot, goes on serving others' runs meanwhile, leaks nothing,
 * and ends, if it ends, in order.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/unit.h"
#include "sandbox/cgroup.h"
#include "sandbox/hostile_rig.h"
#include "sandbox/hostile_scene.h"

/* ---- descriptors that are wrong */

/* At each place of a run that is right otherwise. */
static void offer(struct rig *r, int fd, size_t place)
{
	int spec = hostile_spec_of("echo ran; id -u"), good = hostile_sealed_memfd("x", 1, HOSTILE_ALL_SEALS);
	int fds[3] = { spec, good, good };
	struct rig_result res;

	fds[place] = fd;
	(void)scene_send_run(r, WIRE_RUN_STDIN | WIRE_RUN_ARTIFACTS, &scene_limits, fds, 3);
	rig_wait_done(r, &res);
	assert_true(res.refused);
	assert_int_equal(strncmp(res.reason, "every descriptor must be a memfd sealed", 39), 0);
	(void)close(spec);
	(void)close(good);
}

TEST(nothing_but_a_sealed_memfd_is_taken)
{
	struct rig r;
	int before = scene_start_at_rest(&r);

	for (int kind = 0; kind < HOSTILE_KINDS; kind++) {
		for (size_t place = 0; place < 3; place++) {
			int fd = hostile_fd(kind);

			if (fd < 0)
				continue; /* a machine without a terminal, say */
			offer(&r, fd, place);
			(void)close(fd);
		}
	}
	scene_stop_at_rest(&r, before);
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
	struct wire_run m = { .head = { .type = WIRE_RUN, .size = sizeof(m), .run = 99 },
			      .limits = scene_limits };
	struct rig_result res;
	int before, fds[MANY];
	int peer[2];
	struct rig r;

	before = scene_start_at_rest(&r);
	fds[0] = hostile_socket_that_lingers(&peer[0]);
	/* Stopped, so that the last to close is the spawner. */
	assert_int_equal(kill(r.pid, SIGSTOP), 0);
	(void)scene_send_run(&r, 0, &scene_limits, fds, 1);
	(void)close(fds[0]);
	assert_int_equal(kill(r.pid, SIGCONT), 0);
	rig_wait_done(&r, &res);
	assert_true(res.refused);
	/* These give up after half a minute. */
	scene_canary(&r);
	scene_canary(&r);
	(void)close(peer[0]);
	scene_holds_as_many_as(&r, before);

	/* The same as the last of many more than any message may have, which ends the connection. */
	for (int i = 0; i < MANY; i++)
		fds[i] = i < MANY - 1 ? hostile_spec_of("echo ran") : hostile_socket_that_lingers(&peer[1]);
	(void)rig_send_sh(&r, "sleep 60", &scene_limits);
	assert_int_equal(kill(r.pid, SIGSTOP), 0);
	send_raw(&r, &m, sizeof(m), fds, MANY);
	for (int i = 0; i < MANY; i++)
		(void)close(fds[i]);
	assert_int_equal(kill(r.pid, SIGCONT), 0);
	scene_stop(&r);
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
			      .limits = scene_limits };
	int fds[3], peer, sent = 0;
	struct rig r;

	scene_start(&r);
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
	scene_stop(&r);
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

	(void)scene_each_child(r, is_closer);
	old = closer;
	assert_int_equal(kill(old, SIGKILL), 0);
	do
		(void)scene_each_child(r, is_closer);
	while (closer == old && clock_mono_ms() < end);
	assert_int_not_equal(closer, old);
}

TEST(a_lost_closer_is_replaced)
{
	struct rig r;
	int before = scene_start_at_rest(&r);

	for (int i = 0; i < 5; i++) {
		int fd = hostile_fd(8);

		/* At rest: the one that it has in hand when it dies stays open. */
		scene_holds_as_many_as(&r, before);
		replace_closer(&r);
		offer(&r, fd, 0);
		(void)close(fd);
	}
	scene_stop_at_rest(&r, before);
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
	struct wire_run m = { .head = { .type = raw->type, .size = raw->says, .run = 77 },
			      .limits = scene_limits };
	int fds[250], spec = hostile_spec_of("echo ran");
	struct rig r;

	rig_config(&r, 1);
	r.config.log_level = 4;
	rig_start(&r, 1);
	(void)rig_send_sh(&r, "sleep 60", &scene_limits);
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &m, sizeof(m));
	for (int i = 0; i < raw->n_fds; i++)
		fds[i] = spec;
	send_raw(&r, bytes, raw->size, fds, (size_t)raw->n_fds);
	(void)close(spec);
	scene_stop(&r);
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

		scene_start(&r);
		(void)rig_send_sh(&r, "sleep 1; exit 0", &scene_limits);
		assert_int_equal(shutdown(r.sock, hows[i]), 0);
		if (hows[i] != SHUT_RD) {
			scene_stop(&r);
			continue;
		}
		/* It can still be told something, and notices when it has something to tell. */
		scene_stop(&r);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		U(nothing_but_a_sealed_memfd_is_taken),
		U(a_descriptor_that_takes_minutes_to_close_holds_nobody_up),
		U(descriptors_that_pile_up_end_the_connection),
		U(a_lost_closer_is_replaced),
		U(a_message_of_the_wrong_form_ends_the_connection_in_order),
		U(a_connection_that_is_half_closed_ends_in_order),
	};

	if (!scene_can_run(argc, argv))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
