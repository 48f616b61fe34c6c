/* SPDX-License-Identifier: MIT */
#include "sandbox/config.h"

#include <string.h>

#include "base/unit.h"
#include "sandbox/probe.h"
#include "sandbox/spawner_rig.h"

static struct sandbox_config good(void)
{
	struct rig r;

	rig_config(&r, 4);
	return r.config;
}

static int check(const struct sandbox_config *c)
{
	struct err e = { 0 };
	int got = sandbox_config_check(c, sizeof(*c), &e);

	assert_true(got == 0 || e.msg[0] != '\0');
	return got;
}

TEST(a_complete_configuration_is_accepted)
{
	struct sandbox_config c = good();

	assert_int_equal(check(&c), 0);
	snprintf(c.rootfs, sizeof(c.rootfs), "/srv/rootfs");
	assert_int_equal(check(&c), 0);
}

TEST(another_build_is_refused)
{
	struct sandbox_config c = good();
	struct err e;

	assert_int_equal(sandbox_config_check(&c, sizeof(c) - 1, &e), -1);
	c.size++;
	assert_int_equal(check(&c), -1);
	c = good();
	c.magic = 0;
	assert_int_equal(check(&c), -1);
	c = good();
	c.version[0]++;
	assert_int_equal(check(&c), -1);
}

TEST(bad_values_are_refused)
{
	struct sandbox_config c = good();

	c.slots = 0;
	assert_int_equal(check(&c), -1);
	c.slots = 1001;
	assert_int_equal(check(&c), -1);
	c = good();
	c.maxima.processes = 0;
	assert_int_equal(check(&c), -1);
	c = good();
	c.maxima.wall_ms = INT64_MAX;
	assert_int_equal(check(&c), -1);
	c = good();
	c.slot_millicpus = 3;
	assert_int_equal(check(&c), -1);
}

TEST(texts_must_end_and_stay_in_their_place)
{
	static const char *const parents[] = { "", ".", "..", "a/b", "/a" };
	struct sandbox_config c;

	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
		c = good();
		snprintf(c.cgroup_parent, sizeof(c.cgroup_parent), "%s", parents[i]);
		assert_int_equal(check(&c), -1);
	}
	c = good();
	memset(c.run_dir, '/', sizeof(c.run_dir));
	assert_int_equal(check(&c), -1);
	c = good();
	snprintf(c.run_dir, sizeof(c.run_dir), "relative");
	assert_int_equal(check(&c), -1);
	c = good();
	snprintf(c.rootfs, sizeof(c.rootfs), "relative");
	assert_int_equal(check(&c), -1);
}

TEST(a_missing_ability_refuses_until_it_is_accepted_by_name)
{
	struct probe p = { .n = 2,
			   .items = { { .name = "a", .state = PROBE_OK, .weakness = SANDBOX_WEAK_CPU },
				      { .name = "swap",
					.state = PROBE_MISSING,
					.weakness = SANDBOX_WEAK_SWAP,
					.what = "on",
					.advice = "turn it off" } } };
	struct err e;

	assert_int_equal(probe_verdict(&p, &e), -1);
	assert_string_equal(e.msg, "swap: on; turn it off");
	p.items[1].state = PROBE_WEAK;
	assert_int_equal(probe_verdict(&p, &e), 0);
	assert_int_equal(probe_weak(&p), SANDBOX_WEAK_SWAP);
}

UNIT_MAIN(T(a_complete_configuration_is_accepted), T(another_build_is_refused), T(bad_values_are_refused),
	  T(texts_must_end_and_stay_in_their_place),
	  T(a_missing_ability_refuses_until_it_is_accepted_by_name))
