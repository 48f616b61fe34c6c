/* SPDX-License-Identifier: MIT */
#include "sandbox/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/unit.h"

static int pair[2];

static int open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int close_pair(void **state)
{
	(void)state;
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static struct wire_run a_run(void)
{
	return (struct wire_run){ .head = { .type = WIRE_RUN, .size = sizeof(struct wire_run), .run = 7 } };
}

TEST(a_message_arrives_with_its_descriptors)
{
	struct wire_run run = a_run();
	struct wire_message m;
	struct err e;
	int fds[2] = { pair[0], pair[1] };

	run.flags = WIRE_RUN_STDIN;
	assert_int_equal(wire_send(pair[0], &run, sizeof(run), fds, 2), 0);
	assert_int_equal(wire_receive(pair[1], &m, &e), 1);
	assert_int_equal(m.head.run, 7);
	assert_int_equal(m.n_fds, 2);
	assert_true(fcntl(m.fds[0], F_GETFD) & FD_CLOEXEC);
	wire_close_fds(&m);
}

TEST(nothing_yet_and_the_end_are_told_apart)
{
	struct wire_message m;
	struct err e;

	assert_int_equal(wire_receive(pair[1], &m, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	(void)shutdown(pair[0], SHUT_WR);
	assert_int_equal(wire_receive(pair[1], &m, &e), 0);
}

TEST(a_full_socket_says_so_and_never_blocks)
{
	struct wire_state state = { .head = { .type = WIRE_STATE, .size = sizeof(state) } };
	int sent = 0;

	while (wire_send(pair[0], &state, sizeof(state), NULL, 0) == 0)
		sent++;
	assert_int_equal(errno, EAGAIN);
	assert_true(sent > 0);
}

TEST(descriptors_of_a_malformed_message_are_closed)
{
	struct wire_run run = a_run();
	struct wire_message m;
	int fds[WIRE_MAX_FDS] = { pair[0], pair[0], pair[0], pair[0] };
	int before = count_fds();
	struct err e;

	assert_int_equal(wire_send(pair[0], &run, sizeof(run), fds, WIRE_MAX_FDS), 0);
	assert_int_equal(wire_receive(pair[1], &m, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	assert_int_equal(count_fds(), before);
}

TEST(more_descriptors_than_allowed_are_closed)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * 6)];
		struct cmsghdr align;
	} control = { 0 };
	struct wire_run run = a_run();
	struct iovec iov = { &run, sizeof(run) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	int fds[6] = { pair[0], pair[0], pair[0], pair[0], pair[0], pair[0] };
	int before = count_fds();
	struct wire_message m;
	struct err e;

	control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(fds)),
					  .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.align), fds, sizeof(fds));
	assert_int_equal(sendmsg(pair[0], &msg, 0), sizeof(run));
	assert_int_equal(wire_receive(pair[1], &m, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	assert_int_equal(count_fds(), before);
}

TEST(a_message_too_long_for_any_type_is_refused)
{
	char bytes[4096] = { 0 };
	struct wire_message m;
	struct err e;

	assert_int_equal(wire_send(pair[0], bytes, sizeof(bytes), NULL, 0), 0);
	assert_int_equal(wire_receive(pair[1], &m, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
}

struct row {
	const char *what;
	size_t size; /* of the datagram, 0: as the type has it */
	size_t n_fds;
	int expected;
	struct wire_message m;
};

TEST(size_type_flags_and_descriptor_count_belong_together)
{
#define HEAD(t, s) .head = {.type = (t), .size = sizeof(struct s), .run = 1 }
	static const struct row rows[] = {
		{ "run", 0, 1, 0, { .run = { HEAD(WIRE_RUN, wire_run) } } },
		{ "no spec", 0, 0, -1, { .run = { HEAD(WIRE_RUN, wire_run) } } },
		{ "stdin", 0, 2, 0, { .run = { HEAD(WIRE_RUN, wire_run), .flags = WIRE_RUN_STDIN } } },
		{ "stdin lacks", 0, 1, -1, { .run = { HEAD(WIRE_RUN, wire_run), .flags = WIRE_RUN_STDIN } } },
		{ "all", 0, 3, 0, { .run = { HEAD(WIRE_RUN, wire_run), .flags = 7 } } },
		{ "unknown flag", 0, 1, -1, { .run = { HEAD(WIRE_RUN, wire_run), .flags = 8 } } },
		{ "warm", 0, 1, 0, { .run = { HEAD(WIRE_RUN, wire_run), .warm = SANDBOX_MAX_WARM } } },
		{ "no such warm",
		  0,
		  1,
		  -1,
		  { .run = { HEAD(WIRE_RUN, wire_run), .warm = SANDBOX_MAX_WARM + 1 } } },
		{ "short", 8, 1, -1, { .run = { HEAD(WIRE_RUN, wire_run) } } },
		{ "cut", sizeof(struct wire_run) - 1, 1, -1, { .run = { HEAD(WIRE_RUN, wire_run) } } },
		{ "long", sizeof(struct wire_run) + 1, 1, -1, { .run = { HEAD(WIRE_RUN, wire_run) } } },
		{ "size lies", sizeof(struct wire_run), 1, -1, { .run = { HEAD(WIRE_RUN, wire_kill) } } },
		{ "no type", 0, 0, -1, { .run = { HEAD(0, wire_run) } } },
		{ "type 99", 0, 0, -1, { .run = { HEAD(99, wire_run) } } },
		{ "cancel", 0, 0, 0, { .kill = { HEAD(WIRE_KILL, wire_kill), .stop = 1 } } },
		{ "output", 0, 0, 0, { .kill = { HEAD(WIRE_KILL, wire_kill), .stop = 3 } } },
		{ "kill for cpu", 0, 0, -1, { .kill = { HEAD(WIRE_KILL, wire_kill), .stop = 4 } } },
		{ "kill with fd", 0, 1, -1, { .kill = { HEAD(WIRE_KILL, wire_kill), .stop = 1 } } },
		{ "started", 0, 2, 0, { .started = { HEAD(WIRE_STARTED, wire_started) } } },
		{ "started warm", 0, 2, 0, { .started = { HEAD(WIRE_STARTED, wire_started), .flags = 1 } } },
		{ "started somehow",
		  0,
		  2,
		  -1,
		  { .started = { HEAD(WIRE_STARTED, wire_started), .flags = 2 } } },
		{ "started alone", 0, 0, -1, { .started = { HEAD(WIRE_STARTED, wire_started) } } },
		{ "done", 0, 0, 0, { .done = { HEAD(WIRE_DONE, wire_done) } } },
		{ "artifacts", 0, 1, 0, { .done = { HEAD(WIRE_DONE, wire_done), .flags = 4 } } },
		{ "artifacts lack", 0, 0, -1, { .done = { HEAD(WIRE_DONE, wire_done), .flags = 4 } } },
		{ "unknown stop", 0, 0, -1, { .done = { HEAD(WIRE_DONE, wire_done), .stop = 6 } } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct err e = { 0 };
		int got = wire_check(&r->m, r->size ? r->size : r->m.head.size, r->n_fds, &e);

		if (got != r->expected)
			fail_msg("%s: %d instead of %d (%s)", r->what, got, r->expected, e.msg);
	}
}

TEST(a_run_without_an_id_is_malformed)
{
	struct wire_message m = { .run = a_run() };
	struct err e;

	m.head.run = 0;
	assert_int_equal(wire_check(&m, sizeof(m.run), 1, &e), -1);
}

TEST(text_without_an_end_is_malformed)
{
	struct wire_message m = { .head = { .type = WIRE_DONE, .size = sizeof(m.done), .run = 1 } };
	struct err e;

	memset(m.done.problem, 'x', sizeof(m.done.problem));
	assert_int_equal(wire_check(&m, sizeof(m.done), 0, &e), -1);
	m.done.problem[sizeof(m.done.problem) - 1] = '\0';
	assert_int_equal(wire_check(&m, sizeof(m.done), 0, &e), 0);
}

#define P(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

UNIT_MAIN(P(a_message_arrives_with_its_descriptors), P(nothing_yet_and_the_end_are_told_apart),
	  P(a_full_socket_says_so_and_never_blocks), P(descriptors_of_a_malformed_message_are_closed),
	  P(more_descriptors_than_allowed_are_closed), P(a_message_too_long_for_any_type_is_refused),
	  T(size_type_flags_and_descriptor_count_belong_together), T(a_run_without_an_id_is_malformed),
	  T(text_without_an_end_is_malformed))
