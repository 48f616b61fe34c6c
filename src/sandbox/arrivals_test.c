/* SPDX-License-Identifier: MIT */
#include "sandbox/arrivals.h"

#include "base/unit.h"

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)

TEST(nothing_is_expected_of_what_never_came)
{
	const struct arrivals a = { 0 };

	assert_int_equal(arrivals_within(&a, 60 * SECOND, 5 * SECOND), 0);
}

TEST(a_steady_rate_is_expected_to_go_on)
{
	struct arrivals a = { 0 };
	int64_t now = SECOND;

	for (int i = 0; i < 1000; i++, now += 100 * MS)
		arrivals_note(&a, now);
	assert_in_range(arrivals_within(&a, 10 * SECOND, now), 80, 120);
	assert_int_equal(arrivals_within(&a, 60 * MS, now), 1);
	assert_int_equal(arrivals_within(&a, 20 * MS, now), 0);
}

TEST(a_burst_is_noticed_with_its_first_few)
{
	struct arrivals a = { 0 };

	for (int i = 0; i < 5; i++)
		arrivals_note(&a, SECOND + i * 15 * MS);
	assert_int_equal(arrivals_within(&a, 50 * MS, SECOND + 60 * MS), 1);
}

TEST(what_has_stopped_is_forgotten)
{
	struct arrivals a = { 0 };
	int64_t now = SECOND;
	uint32_t before;

	for (int i = 0; i < 1000; i++, now += 10 * MS)
		arrivals_note(&a, now);
	before = arrivals_within(&a, SECOND, now);
	assert_in_range(arrivals_within(&a, SECOND, now + 250 * MS), before / 2 - 2, before / 2 + 2);
	assert_int_equal(arrivals_within(&a, SECOND, now + 20 * SECOND), 0);
	assert_int_equal(arrivals_within(&a, SECOND, now + 36000 * SECOND), 0);
}

TEST(a_flood_overflows_nothing)
{
	struct arrivals a = { 0 };

	a.weight = INT64_C(1024) << 24;
	for (int i = 0; i < 100; i++)
		arrivals_note(&a, SECOND);
	assert_true(arrivals_within(&a, 60 * SECOND, SECOND) > 1000000);
	assert_true(arrivals_within(&a, 60 * SECOND, 0) > 1000000); /* a clock that is behind */
}

UNIT_MAIN(T(nothing_is_expected_of_what_never_came), T(a_steady_rate_is_expected_to_go_on),
	  T(a_burst_is_noticed_with_its_first_few), T(what_has_stopped_is_forgotten),
	  T(a_flood_overflows_nothing))
