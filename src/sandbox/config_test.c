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
	snprintf(c.headers, sizeof(c.headers), "/srv/headers");
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
	c.usual.memory_bytes = c.maxima.memory_bytes + 1;
	assert_int_equal(check(&c), -1);
	c = good();
	c.usual.disk_bytes = 0;
	assert_int_equal(check(&c), -1);
	c = good();
	c.slot_millicpus = 3;
	assert_int_equal(check(&c), -1);
}

TEST(a_warm_interpreter_is_a_command_and_a_plain_file_name)
{
	static const struct sandbox_warm fine = { .slots = 2,
						  .n_argv = 2,
						  .n_env = 1,
						  .text_len = 15,
						  .source = "main.x",
						  .text = "cat\0main.x\0A=b" };
	struct sandbox_config c = good();

	c.n_warm = 1;
	c.warm[0] = fine;
	assert_int_equal(check(&c), 0);
	c.warm[0].text_len--;
	assert_int_equal(check(&c), -1);
	c.warm[0].text_len = sizeof(fine.text) + 1;
	assert_int_equal(check(&c), -1);
	c.warm[0] = fine;
	c.warm[0].n_argv = 0;
	assert_int_equal(check(&c), -1);
	c.warm[0] = fine;
	c.warm[0].n_env = 2;
	assert_int_equal(check(&c), -1);
	c.warm[0] = fine;
	c.warm[0].n_env = UINT32_MAX;
	assert_int_equal(check(&c), -1);
	c.warm[0] = fine;
	snprintf(c.warm[0].source, sizeof(c.warm[0].source), "../x");
	assert_int_equal(check(&c), -1);
	c.warm[0] = fine;
	c.warm[0].source[0] = '\0';
	assert_int_equal(check(&c), -1);
}

TEST(all_slots_together_have_uids)
{
	struct sandbox_config c = good();

	c.slots = 1000;
	c.n_warm = 1;
	c.warm[0] = (struct sandbox_warm){ .n_argv = 1, .text_len = 2, .source = "x", .text = "x" };
	c.warm[0].slots = 46;
	assert_int_equal(check(&c), 0);
	c.warm[0].slots = 47;
	assert_int_equal(check(&c), -1);
	c.warm[0].slots = UINT32_MAX;
	assert_int_equal(check(&c), -1);
	c.n_warm = SANDBOX_MAX_WARM + 1;
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
	snprintf(c.headers, sizeof(c.headers), "relative");
	assert_int_equal(check(&c), -1);
	c = good();
	memset(c.headers, '/', sizeof(c.headers));
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

TEST(every_weakness_has_a_name_that_leads_back_to_it)
{
	char all[SANDBOX_WEAK_TEXT], none[SANDBOX_WEAK_TEXT];

	for (uint32_t bit = 1; bit <= SANDBOX_WEAK_ROOTLESS; bit <<= 1) {
		const char *name = sandbox_weakness_name(bit);

		assert_non_null(name);
		assert_int_equal(sandbox_weakness_bit(name, strlen(name)), bit);
		assert_int_equal(sandbox_weakness_bit(name, strlen(name) - 1), 0);
	}
	assert_null(sandbox_weakness_name(SANDBOX_WEAK_ROOTLESS << 1));
	sandbox_weakness_list(0, none);
	assert_string_equal(none, "");
	sandbox_weakness_list(UINT32_MAX, all);
	assert_string_equal(all, "rootless,uids,memory,pids,cpu,cpuacct,swap,core");
}

UNIT_MAIN(T(a_complete_configuration_is_accepted), T(another_build_is_refused), T(bad_values_are_refused),
	  T(a_warm_interpreter_is_a_command_and_a_plain_file_name), T(all_slots_together_have_uids),
	  T(texts_must_end_and_stay_in_their_place),
	  T(a_missing_ability_refuses_until_it_is_accepted_by_name),
	  T(every_weakness_has_a_name_that_leads_back_to_it))
