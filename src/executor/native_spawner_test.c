/* SPDX-License-Identifier: MIT */
/* The native executor with a spawner that goes, comes, lies, or is full. */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/unit.h"
#include "executor/native_scene.h"

TEST(when_the_spawner_ends_all_runs_are_lost_and_the_next_spawner_serves_again)
{
	struct heard started, asked;
	struct scene s;
	int writers[2];
	uint64_t run;

	scene_begin(&s);
	(void)scene_start_and_hear(&s, &started, CAP, writers);
	heard_init(&asked);
	asked.restart = s.x;
	(void)scene_start(&s, &asked, CAP);
	(void)close(s.peer);
	scene_turn(&s);
	assert_true(started.report.lost && started.report.started && !started.report.refused);
	assert_true(asked.report.lost && !asked.report.started && !asked.report.refused);
	assert_int_equal(asked.done, 1);
	assert_int_equal(asked.restarted, ERR_BUSY);
	assert_int_equal(s.detached, 1);
	assert_string_equal(s.detached_why, "the spawner ended");
	assert_int_equal(scene_ready(&s), 0);
	close_both(writers);
	heard_done(&started);
	heard_done(&asked);

	scene_attach(&s);
	assert_int_equal(scene_ready(&s), 0);
	say_hello(&s, CODECRUSHER_VERSION, 2);
	say_state(&s, 2, 0);
	scene_turn(&s);
	assert_int_equal(s.attached, 2);
	run = scene_start_and_hear(&s, &started, CAP, writers);
	say_done(&s, run, (struct wire_done){ .exit_code = 0 });
	scene_turn(&s);
	assert_int_equal(started.done, 1);
	assert_false(started.report.lost);
	close_both(writers);
	heard_done(&started);
	scene_end(&s);
}

TEST(attaching_a_new_spawner_loses_the_runs_of_the_old_one)
{
	struct heard h;
	struct scene s;
	int writers[2], old;

	scene_begin(&s);
	(void)scene_start_and_hear(&s, &h, CAP, writers);
	old = s.peer;
	scene_attach(&s);
	assert_int_equal(h.done, 1);
	assert_true(h.report.lost);
	assert_int_equal(s.detached, 1);
	(void)close(old);
	close_both(writers);
	heard_done(&h);
	scene_end(&s);
}

TEST(a_start_without_a_ready_slot_is_busy_and_the_listener_hears_when_there_is_one)
{
	struct exec_spec spec = scene_spec(CAP);
	struct exec_capacity c;
	struct err e = { 0 };
	struct wire_message m;
	struct heard h;
	struct scene s;
	int writers[2];

	scene_begin_detached(&s);
	heard_init(&h);
	assert_null(executor_start(s.x, &spec, &scene_events, &h, &e));
	assert_int_equal(e.kind, ERR_BUSY);
	scene_attach(&s);
	say_hello(&s, CODECRUSHER_VERSION, 2);
	scene_turn(&s);
	assert_null(executor_start(s.x, &spec, &scene_events, &h, &e));
	assert_int_equal(e.kind, ERR_BUSY);
	s.changed = 0;
	say_state(&s, 1, 0);
	scene_turn(&s);
	assert_int_equal(s.changed, 1);
	(void)scene_start(&s, &h, CAP);
	/* The spawner's count is older than the request. */
	assert_int_equal(scene_ready(&s), 0);
	say_state(&s, 2, 0);
	scene_turn(&s);
	assert_int_equal(scene_ready(&s), 1);
	m = hear(&s, WIRE_RUN);
	wire_close_fds(&m);
	say_started(&s, m.head.run, writers);
	scene_turn(&s);
	assert_int_equal(scene_ready(&s), 1);
	say_state(&s, 1, 1);
	scene_turn(&s);
	executor_capacity(s.x, &c);
	assert_int_equal(c.ready, 1);
	assert_int_equal(c.busy, 1);
	assert_int_equal(c.broken, 1);
	assert_int_equal(c.slots, 2);
	close_both(writers);
	heard_done(&h);
	scene_end(&s);
}

TEST(a_spawner_that_breaks_the_protocol_is_left)
{
	static const char *const why[] = {
		"the spawner did not say hello first",
		"the spawner is of version 0.0.0, this is " CODECRUSHER_VERSION
		": install both from one build",
		"the spawner said hello twice",
		"the spawner named a run that does not exist",
		"the spawner sent a message that is not its own to send",
		"a message of 3 bytes",
		"the spawner started a run twice",
		"the spawner refused a run it had started",
	};

	for (size_t i = 0; i < sizeof(why) / sizeof(why[0]); i++) {
		struct wire_refused refused = { 0 };
		struct wire_kill kill = { .stop = WIRE_STOP_CANCELLED };
		struct heard h;
		struct scene s;
		int writers[2] = { -1, -1 };
		uint64_t run = 0;

		scene_begin_detached(&s);
		scene_attach(&s);
		heard_init(&h);
		if (i > 1)
			say_hello(&s, CODECRUSHER_VERSION, 2);
		if (i > 5) {
			say_state(&s, 1, 0);
			scene_turn(&s);
			run = scene_start_and_hear(&s, &h, CAP, writers);
			close_both(writers);
		}
		if (i == 0)
			say_state(&s, 1, 0);
		else if (i == 1)
			say_hello(&s, "0.0.0", 2);
		else if (i == 2)
			say_hello(&s, CODECRUSHER_VERSION, 2);
		else if (i == 3)
			say_done(&s, 77, (struct wire_done){ 0 });
		else if (i == 4)
			say(&s, &kill, WIRE_KILL, sizeof(kill), 1, NULL, 0);
		else if (i == 5)
			assert_int_equal(send(s.peer, "abc", 3, 0), 3);
		else if (i == 6)
			say_started(&s, run, writers);
		else
			say(&s, &refused, WIRE_REFUSED, sizeof(refused), run, NULL, 0);
		scene_turn(&s);
		assert_int_equal(s.detached, 1);
		assert_string_equal(s.detached_why, why[i]);
		assert_int_equal(scene_ready(&s), 0);
		assert_int_equal(h.done, i > 5);
		if (i == 6)
			close_both(writers);
		heard_done(&h);
		scene_end(&s);
	}
}

TEST(a_kill_that_meets_a_full_socket_is_sent_when_there_is_room)
{
	struct exec_spec spec = scene_spec(CAP);
	struct exec_run *runs[2000];
	struct wire_message m;
	struct err e = { 0 };
	struct heard h;
	struct scene s;
	size_t n = 0, kills = 0;

	scene_begin(&s);
	heard_init(&h);
	executor_on_capacity(s.x, NULL, NULL);
	(void)close(s.peer);
	scene_turn(&s);
	scene_attach(&s);
	/* More slots than the socket holds requests. */
	say_hello(&s, CODECRUSHER_VERSION, 2000);
	say_state(&s, 2000, 0);
	scene_turn(&s);
	while (n < 2000 && (runs[n] = executor_start(s.x, &spec, &scene_events, &h, &e)))
		n++;
	assert_true(n > 0 && n < 2000);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_int_equal(scene_ready(&s), 0);
	for (size_t i = 0; i < n; i++)
		executor_cancel(runs[i]);
	for (int i = 0; i < 10000 && kills < n; i++) {
		struct pollfd p = { .fd = s.peer, .events = POLLIN };

		if (poll(&p, 1, 0) == 1 && wire_receive(s.peer, &m, &e) == 1) {
			kills += m.head.type == WIRE_KILL;
			wire_close_fds(&m);
		}
		scene_turn(&s);
	}
	assert_int_equal(kills, n);
	assert_true(scene_ready(&s) > 0);
	hear_nothing(&s);
	heard_done(&h);
	scene_end(&s);
}

UNIT_MAIN(T(when_the_spawner_ends_all_runs_are_lost_and_the_next_spawner_serves_again),
	  T(attaching_a_new_spawner_loses_the_runs_of_the_old_one),
	  T(a_start_without_a_ready_slot_is_busy_and_the_listener_hears_when_there_is_one),
	  T(a_spawner_that_breaks_the_protocol_is_left),
	  T(a_kill_that_meets_a_full_socket_is_sent_when_there_is_room))
