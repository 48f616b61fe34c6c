/* SPDX-License-Identifier: MIT */
/*
 * The live spawner against an engine that was taken over: too much of what is right, and all of it at random.
 * Each run has one answer, limits hold, and nobody is held up but the one who does it.
 *
 * HOSTILE_SEED repeats a run of the last test, HOSTILE_MESSAGES makes it longer.
 */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/unit.h"
#include "sandbox/hostile_rig.h"
#include "sandbox/hostile_scene.h"
#include "sandbox/spec_format.h"

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
	struct wire_run m = { .head = { .type = WIRE_RUN, .size = sizeof(m), .run = id },
			      .limits = scene_limits };

	return wire_send(r->sock, &m, sizeof(m), &spec, 1) == 0;
}

TEST(a_flood_that_is_never_read_is_answered_when_it_is)
{
	int spec = hostile_spec_of("exit 0"), before;
	struct pollfd p = { .events = POLLOUT };
	size_t sent = 0;
	struct rig r;

	before = scene_start_at_rest(&r);
	p.fd = r.sock;
	/* Until the spawner, with its own answers stuck, reads no more. */
	while (poll(&p, 1, 500) > 0 && sent < 100000) {
		while (try_send(&r, 1000 + sent, spec))
			sent++;
	}
	assert_in_range(sent, SCENE_SLOTS + 1, 99999);
	scene_nothing_runs_outside(&r);
	/* Of those that found room, each has exactly one answer. */
	assert_true(count_answers(&r, sent) >= SCENE_SLOTS);
	(void)close(spec);
	scene_stop_at_rest(&r, before);
}

TEST(limits_hold_while_the_engine_reads_nothing)
{
	struct sandbox_limits limits = scene_limits;
	int spec = hostile_spec_of("exit 0");
	struct rig_result res;
	struct rig r;
	int64_t sent;

	limits.wall_ms = 300;
	scene_start(&r);
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

	scene_start(&r);
	(void)rig_send_sh(&r, "yes", &scene_limits);
	rig_wait_started(&r, &out, &err);
	for (int i = 0; i < 5; i++)
		scene_canary(&r);
	rig_kill(&r, 1, WIRE_STOP_OUTPUT);
	rig_wait_done(&r, &res);
	assert_int_equal(res.done.stop, WIRE_STOP_OUTPUT);
	(void)close(out);
	(void)close(err);
	scene_stop(&r);
}

TEST(a_storm_of_kills_hits_nothing_but_the_run_it_names)
{
	struct rig_result res;
	struct rig r;
	uint64_t kept;

	scene_start(&r);
	kept = rig_send_sh(&r, "sleep 1; echo there; exit 9", &scene_limits);
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
	scene_canary(&r);
	scene_stop(&r);
}

TEST(an_id_serves_one_run_at_a_time_and_may_be_used_again)
{
	int spec = hostile_spec_of("sleep 60");
	struct rig_result res;
	struct rig r;

	scene_start(&r);
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
	scene_stop(&r);
}

/* ---- all of it at random */

static int64_t odd_number(unsigned *seed)
{
	static const int64_t odd[] = { 1, 0, -1, INT64_MAX, INT64_MIN, 4095, 4096, 65536, 1 << 20, 200 };

	return rand_r(seed) % 4 ? 1000 + rand_r(seed) % 100 : odd[(size_t)rand_r(seed) % 10];
}

static struct sandbox_limits odd_limits(unsigned *seed)
{
	struct sandbox_limits l = scene_limits;

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
		return hostile_bent_spec(seed, place == 2 ? SPEC_SET_MAGIC : SPEC_MAGIC);
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
	before = scene_start_at_rest(&r);
	for (unsigned i = 0; i < n; i++) {
		size_t burst = 1 + (size_t)rand_r(&seed) % 4, sent = 0;

		for (size_t k = 0; k < burst; k++)
			sent += send_odd(&r, &seed, &last);
		(void)count_answers(&r, sent);
		scene_nothing_runs_outside(&r);
		if (i % 32 == 0)
			scene_canary(&r);
	}
	scene_stop_at_rest(&r, before);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		U(a_flood_that_is_never_read_is_answered_when_it_is),
		U(limits_hold_while_the_engine_reads_nothing),
		U(a_pipe_that_nobody_reads_holds_up_its_own_program_alone),
		U(a_storm_of_kills_hits_nothing_but_the_run_it_names),
		U(an_id_serves_one_run_at_a_time_and_may_be_used_again),
		U(anything_at_random_has_one_answer_and_leaves_nothing),
	};

	if (!scene_can_run(argc, argv))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
