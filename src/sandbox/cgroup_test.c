/* SPDX-License-Identifier: MIT */
#include "sandbox/cgroup.h"

#include "base/unit.h"

/* A host with v1 controllers and an empty v2 tree; cpu and cpuacct share a hierarchy. */
static const char hybrid_mounts[] =
	"22 27 0:21 / /proc rw,relatime - proc proc rw\n"
	"33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
	"34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
	"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	"39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
	"40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
static const char hybrid_self[] = "9:name=systemd:/\n8:pids:/\n4:memory:/jobs/28fc\n3:cpuset:/\n"
				  "2:cpu,cpuacct:/a b\n0::/\n";

static const char v2_mounts[] =
	"28 25 0:25 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

static struct cgroup_layout layout_of(const char *mounts, const char *self, const char *controllers)
{
	struct cgroup_found found;
	struct cgroup_layout l;

	cgroup_find(mounts, self, "cc-ctl", &found);
	cgroup_layout_make(&found, controllers, &l);
	return l;
}

TEST(v1_controllers_are_found_at_our_own_group)
{
	struct cgroup_layout l = layout_of(hybrid_mounts, hybrid_self, "");

	assert_int_equal(l.n_trees, 3);
	assert_string_equal(l.trees[l.tree_of[CGROUP_MEMORY]].dir, "/sys/fs/cgroup/memory/jobs/28fc");
	assert_string_equal(l.trees[l.tree_of[CGROUP_PIDS]].dir, "/sys/fs/cgroup/pids");
	assert_string_equal(l.trees[l.tree_of[CGROUP_CPU]].dir, "/sys/fs/cgroup/cpu,cpuacct/a b");
	assert_int_equal(l.tree_of[CGROUP_CPUACCT], l.tree_of[CGROUP_CPU]);
	for (size_t i = 0; i < l.n_trees; i++)
		assert_int_equal(l.trees[i].version, 1);
}

TEST(v2_serves_all_from_one_tree)
{
	struct cgroup_layout l = layout_of(v2_mounts, "0::/system.slice/cc.service\n",
					   "cpuset cpu io memory hugetlb pids rdma\n");

	assert_int_equal(l.n_trees, 1);
	assert_int_equal(l.trees[0].version, 2);
	assert_string_equal(l.trees[0].dir, "/sys/fs/cgroup/system.slice/cc.service");
	for (size_t c = 0; c < CGROUP_CONTROLLERS; c++)
		assert_int_equal(l.tree_of[c], 0);
}

TEST(a_controller_that_is_not_delegated_is_absent)
{
	struct cgroup_layout l = layout_of(v2_mounts, "0::/user.slice\n", "memory pids\n");

	assert_int_equal(l.tree_of[CGROUP_CPU], -1);
	assert_int_equal(l.tree_of[CGROUP_MEMORY], 0);
	assert_int_equal(l.tree_of[CGROUP_CPUACCT], 0); /* v2 counts CPU time without one */
}

TEST(each_controller_may_be_on_another_version)
{
	static const char mounts[] = "28 25 0:25 / /cg2 rw - cgroup2 none rw\n"
				     "35 31 0:32 / /cg/memory rw - cgroup none rw,memory\n";
	struct cgroup_layout l = layout_of(mounts, "4:memory:/\n0::/x\n", "cpu pids\n");

	assert_int_equal(l.n_trees, 2);
	assert_int_equal(l.trees[l.tree_of[CGROUP_MEMORY]].version, 1);
	assert_int_equal(l.trees[l.tree_of[CGROUP_PIDS]].version, 2);
	assert_string_equal(l.trees[l.tree_of[CGROUP_PIDS]].dir, "/cg2/x");
}

TEST(what_may_not_be_used_is_left_out_and_so_is_a_tree_without_use)
{
	struct cgroup_layout l = layout_of(hybrid_mounts, hybrid_self, "");

	cgroup_layout_without(&l, 1u << CGROUP_MEMORY | 1u << CGROUP_CPU);
	assert_int_equal(l.n_trees, 2);
	assert_int_equal(l.tree_of[CGROUP_MEMORY], -1);
	assert_int_equal(l.tree_of[CGROUP_CPU], -1);
	assert_string_equal(l.trees[l.tree_of[CGROUP_CPUACCT]].dir, "/sys/fs/cgroup/cpu,cpuacct/a b");
	assert_string_equal(l.trees[l.tree_of[CGROUP_PIDS]].dir, "/sys/fs/cgroup/pids");
	cgroup_layout_without(&l, ~0u);
	assert_int_equal(l.n_trees, 0);
}

TEST(our_own_leaf_is_stepped_out_of)
{
	struct cgroup_layout l = layout_of(v2_mounts, "0::/box/cc-ctl\n", "memory\n");

	assert_string_equal(l.trees[0].dir, "/sys/fs/cgroup/box");
	l = layout_of(v2_mounts, "0::/cc-ctl\n", "memory\n");
	assert_string_equal(l.trees[0].dir, "/sys/fs/cgroup");
	l = layout_of(v2_mounts, "0::/box/not-cc-ctl\n", "memory\n");
	assert_string_equal(l.trees[0].dir, "/sys/fs/cgroup/box/not-cc-ctl");
}

TEST(a_mount_of_a_part_of_the_hierarchy_is_understood)
{
	static const char mounts[] = "28 25 0:25 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n";

	assert_string_equal(layout_of(mounts, "0::/docker/abc/inner\n", "pids\n").trees[0].dir,
			    "/sys/fs/cgroup/inner");
	assert_string_equal(layout_of(mounts, "0::/docker/abc\n", "pids\n").trees[0].dir, "/sys/fs/cgroup");
	/* Not seen through this mount: absent, not guessed. */
	assert_int_equal(layout_of(mounts, "0::/docker/abcdef\n", "pids\n").n_trees, 0);
	assert_int_equal(layout_of(mounts, "0::/../other\n", "pids\n").n_trees, 0);
}

TEST(blanks_in_mount_points_are_unescaped)
{
	static const char mounts[] = "28 25 0:25 / /mnt/a\\040b\\134c rw - cgroup2 none rw\n";

	assert_string_equal(layout_of(mounts, "0::/\n", "pids\n").trees[0].dir, "/mnt/a b\\c");
}

TEST(nonsense_finds_nothing)
{
	static const char *const texts[] = {
		"", "\n\n", "a b c", " - ", "1 2 3 / /x rw - cgroup2", "\\\\\\0"
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(layout_of(texts[i], hybrid_self, "memory\n").n_trees, 0);
		assert_int_equal(layout_of(hybrid_mounts, texts[i], "memory\n").n_trees, 0);
	}
}

TEST(a_value_is_found_by_its_whole_key)
{
	static const char events[] = "low 0\nhigh 0\nmax 12\noom 2\noom_kill 3\noom_group_kill 1\n";

	assert_int_equal(cgroup_value(events, "oom"), 2);
	assert_int_equal(cgroup_value(events, "oom_kill"), 3);
	assert_int_equal(cgroup_value(events, "max"), 12);
	assert_int_equal(cgroup_value(events, "kill"), -1);
	assert_int_equal(cgroup_value("", "oom"), -1);
	assert_int_equal(cgroup_value("oom", "oom"), -1);
}

UNIT_MAIN(T(v1_controllers_are_found_at_our_own_group), T(v2_serves_all_from_one_tree),
	  T(a_controller_that_is_not_delegated_is_absent), T(each_controller_may_be_on_another_version),
	  T(what_may_not_be_used_is_left_out_and_so_is_a_tree_without_use), T(our_own_leaf_is_stepped_out_of),
	  T(a_mount_of_a_part_of_the_hierarchy_is_understood), T(blanks_in_mount_points_are_unescaped),
	  T(nonsense_finds_nothing), T(a_value_is_found_by_its_whole_key))
