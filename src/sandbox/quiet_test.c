/* SPDX-License-Identifier: MIT */
#include "sandbox/quiet.h"

#include "base/unit.h"

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)

TEST(a_run_that_comes_alone_is_left_alone_until_it_ends)
{
	struct quiet q = { 0 };

	assert_true(quiet_until(&q, false, SECOND) <= SECOND);
	assert_int_equal(quiet_until(&q, true, 2 * SECOND), 2 * SECOND + QUIET_MOST_NS);
	assert_int_equal(quiet_until(&q, true, 2 * SECOND + 5 * MS), 2 * SECOND + QUIET_MOST_NS);
	assert_true(quiet_until(&q, false, 2 * SECOND + 7 * MS) <= 2 * SECOND + 7 * MS);
}

TEST(a_long_one_is_built_beside_after_a_while)
{
	struct quiet q = { 0 };
	int64_t later = SECOND + QUIET_MOST_NS;

	(void)quiet_until(&q, true, SECOND);
	assert_true(quiet_until(&q, true, later) <= later);
	assert_true(quiet_until(&q, true, later + SECOND) <= later + SECOND);
}

TEST(one_that_follows_closely_has_no_such_time)
{
	struct quiet q = { 0 };
	int64_t now = SECOND;

	(void)quiet_until(&q, true, now);
	now += 3 * MS;
	(void)quiet_until(&q, false, now);
	now += QUIET_GAP_NS - 1;
	assert_true(quiet_until(&q, true, now) <= now);
	/* A second one beside it changes nothing. */
	assert_true(quiet_until(&q, true, now + MS) <= now + MS);
	now += 2 * MS;
	(void)quiet_until(&q, false, now);
	now += QUIET_GAP_NS;
	assert_int_equal(quiet_until(&q, true, now), now + QUIET_MOST_NS);
}

UNIT_MAIN(T(a_run_that_comes_alone_is_left_alone_until_it_ends), T(a_long_one_is_built_beside_after_a_while),
	  T(one_that_follows_closely_has_no_such_time))
