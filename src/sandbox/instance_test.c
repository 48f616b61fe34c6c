/* SPDX-License-Identifier: MIT */
#include "sandbox/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unit.h"
#include "sandbox/lowfds.h"

#define BASE 0x70000000u

TEST(without_a_user_namespace_the_wanted_uids_are_taken)
{
	struct instance_uids u;

	assert_int_equal(instance_uids_choose("         0          0 4294967295\n", BASE, &u), 0);
	assert_int_equal(u.base, BASE);
	assert_int_equal(u.blocks, INSTANCE_MAX);
}

TEST(in_a_user_namespace_the_top_of_the_map_is_taken)
{
	struct instance_uids u;

	assert_int_equal(instance_uids_choose("0 100000 65536\n", BASE, &u), 0);
	assert_int_equal(u.blocks, 8);
	assert_int_equal(u.base, 32768);
	/* The base that was chosen is chosen again when it is asked for: so the gids are compared. */
	assert_int_equal(instance_uids_choose("0 100000 65536\n", u.base, &u), 0);
	assert_int_equal(u.base, 32768);
	assert_int_equal(instance_uids_choose("0 1000 1\n1 100000 65536\n", BASE, &u), 0);
	assert_int_equal(u.base, 1 + 65536 - 8 * INSTANCE_UIDS);
}

TEST(a_map_that_ends_soon_after_the_base_has_fewer_blocks)
{
	struct instance_uids u;

	assert_int_equal(instance_uids_choose("0 0 10000\n", 1000, &u), 0);
	assert_int_equal(u.base, 1000);
	assert_int_equal(u.blocks, 2);
}

TEST(a_map_without_room_is_refused)
{
	struct instance_uids u;

	assert_int_equal(instance_uids_choose("0 1000 1\n", BASE, &u), -1);
	assert_int_equal(instance_uids_choose("0 1000 8191\n", BASE, &u), -1);
	assert_int_equal(instance_uids_choose("", BASE, &u), -1);
	assert_int_equal(instance_uids_choose("what is this\n", BASE, &u), -1);
}

/* Runs in a child, which it leaves with few descriptors. */
static int keep_three(int a, int b, int c)
{
	int *const keep[] = { &a, &b, &c };
	char got[3];

	lowfds_keep(keep, 3);
	for (int fd = 6; fd < 300; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			return 2;
	}
	if (a + b + c != 3 + 4 + 5)
		return 3;
	if (read(a, &got[0], 1) != 1 || read(b, &got[1], 1) != 1 || read(c, &got[2], 1) != 1)
		return 4;
	return memcmp(got, "abc", 3) == 0 ? 0 : 5;
}

TEST(kept_descriptors_are_the_right_ones_whatever_their_order)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		int ends[3], status;
		pid_t pid;

		for (int k = 0; k < 3; k++) {
			int fds[2];

			assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
			ends[k] = fds[0];
			assert_int_equal(write(fds[1], &"abc"[orders[i][k]], 1), 1);
			(void)close(fds[1]);
		}
		pid = fork();
		if (pid == 0) {
			int by_letter[3];

			for (int k = 0; k < 3; k++)
				by_letter[orders[i][k]] = ends[k];
			_exit(keep_three(by_letter[0], by_letter[1], by_letter[2]));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		for (int k = 0; k < 3; k++)
			(void)close(ends[k]);
	}
}

UNIT_MAIN(T(without_a_user_namespace_the_wanted_uids_are_taken),
	  T(in_a_user_namespace_the_top_of_the_map_is_taken),
	  T(a_map_that_ends_soon_after_the_base_has_fewer_blocks), T(a_map_without_room_is_refused),
	  T(kept_descriptors_are_the_right_ones_whatever_their_order))
