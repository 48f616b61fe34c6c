/* SPDX-License-Identifier: MIT */
#include "sandbox/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define SWEEP_MS 2000

struct range {
	uint64_t first;
	uint64_t count;
};

/* One line of uid_map: first id inside, first id outside, count. */
static const char *next_range(const char *text, struct range *ret)
{
	uint64_t outside;

	if (sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &ret->first, &outside, &ret->count) != 3)
		return NULL;
	text += strcspn(text, "\n");
	return text + (*text == '\n');
}

static uint32_t blocks_in(uint64_t count)
{
	uint64_t n = count / INSTANCE_UIDS;

	return (uint32_t)(n < INSTANCE_MAX ? n : INSTANCE_MAX);
}

int instance_uids_choose(const char *uid_map, uint32_t wanted, struct instance_uids *ret)
{
	struct range r, top = { 0 };
	uint32_t blocks;

	while ((uid_map = next_range(uid_map, &r))) {
		if (wanted >= r.first && wanted - r.first < r.count) {
			blocks = blocks_in(r.count - (wanted - r.first));
			if (blocks > 0) {
				*ret = (struct instance_uids){ .base = wanted, .blocks = blocks };
				return 0;
			}
		}
		if (r.first + r.count > top.first + top.count)
			top = r;
	}
	blocks = blocks_in(top.count / 2);
	if (blocks == 0)
		return -1;
	*ret = (struct instance_uids){
		.base = (uint32_t)(top.first + top.count - (uint64_t)blocks * INSTANCE_UIDS),
		.blocks = blocks,
	};
	return 0;
}

static int read_map(const char *path, char *buf, size_t size, struct err *e)
{
	if (cgroup_read(AT_FDCWD, path, buf, size) < 0)
		return err_set(e, ERR_IO, errno, "read %s", path);
	return 0;
}

int instance_uids_read(uint32_t wanted, enum sandbox_ids ids, struct instance_uids *ret, struct err *e)
{
	char map[4096];
	struct instance_uids gids;

	if (ids == SANDBOX_IDS_ONE) {
		*ret = (struct instance_uids){ .base = getuid(), .blocks = INSTANCE_MAX, .one = true };
		return 0;
	}
	if (read_map("/proc/self/uid_map", map, sizeof(map), e) < 0)
		return -1;
	if (instance_uids_choose(map, wanted, ret) < 0)
		return err_set(e, ERR_UNSUPPORTED, 0, "this user namespace maps fewer than %u spare uids",
			       INSTANCE_UIDS);
	if (read_map("/proc/self/gid_map", map, sizeof(map), e) < 0)
		return -1;
	/* A slot's gid is the same number as its uid. */
	if (instance_uids_choose(map, ret->base, &gids) < 0 || gids.base != ret->base)
		return err_set(e, ERR_UNSUPPORTED, 0, "gids from %u on are not mapped as the uids are",
			       ret->base);
	if (gids.blocks < ret->blocks)
		ret->blocks = gids.blocks;
	return 0;
}

/* The descriptor that holds the lock; -1 with errno (EWOULDBLOCK: taken). */
static int lock_file(const char *run_dir, uint32_t number)
{
	char path[320];
	AUTO_CLOSE int fd = -1;

	snprintf(path, sizeof(path), "%s/%u", run_dir, number);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -1;
	snprintf(path, sizeof(path), "%s/%u/lock", run_dir, number);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	return TAKE_FD(fd);
}

/*
 * The group's directory is locked as well: workers with different run directories may share a control group
 * parent, and must not take each other's slots for leftovers.
 */
static bool lock_group(int dir)
{
	return flock(dir, LOCK_EX | LOCK_NB) == 0;
}

static void close_groups(struct cgroup_home *home)
{
	for (size_t i = 0; i < home->n_trees; i++) {
		if (home->instance[i] >= 0)
			(void)close(home->instance[i]);
		home->instance[i] = -1;
	}
}

/* 1: it is ours; 0: another worker's; -1: an error that the next number would meet as well. */
static int try_number(const struct sandbox_config *config, const struct cgroup_layout *layout,
		      struct cgroup_home *home, uint32_t number, int *ret_lock, struct err *e)
{
	AUTO_CLOSE int lock = lock_file(config->run_dir, number);
	char name[16];

	if (lock < 0 && errno == EWOULDBLOCK)
		return 0;
	if (lock < 0)
		return err_set(e, ERR_IO, errno, "lock instance %u in %s", number, config->run_dir);
	snprintf(name, sizeof(name), "i%u", number);
	if (cgroup_home_open_instance(layout, home, name, e) < 0)
		return -1;
	for (size_t i = 0; i < home->n_trees; i++) {
		if (!lock_group(home->instance[i])) {
			close_groups(home);
			return 0;
		}
	}
	*ret_lock = TAKE_FD(lock);
	return 1;
}

/* Removes group "i<number>" of one tree if nobody holds it. */
static void sweep_group(int parent, uint32_t number)
{
	char name[16];
	AUTO_CLOSE int dir = -1;

	snprintf(name, sizeof(name), "i%u", number);
	dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || !lock_group(dir))
		return;
	if (cgroup_sweep(dir, SWEEP_MS))
		(void)unlinkat(parent, name, AT_REMOVEDIR);
}

static void sweep_others(const char *run_dir, const struct cgroup_home *home, uint32_t own)
{
	for (uint32_t n = 0; n < INSTANCE_MAX; n++) {
		AUTO_CLOSE int lock = -1;
		char path[320];

		snprintf(path, sizeof(path), "%s/%u/lock", run_dir, n);
		if (n == own || access(path, F_OK) < 0)
			continue;
		lock = lock_file(run_dir, n);
		for (size_t i = 0; lock >= 0 && i < home->n_trees; i++)
			sweep_group(home->parent[i], n);
	}
}

int instance_open(const struct sandbox_config *config, const struct cgroup_layout *layout,
		  struct cgroup_home *home, struct instance *ret, struct err *e)
{
	struct instance_uids uids;
	int taken = 0;

	if (instance_uids_read(config->uid_base, (enum sandbox_ids)config->ids, &uids, e) < 0)
		return -1;
	if (mkdir(config->run_dir, 0711) < 0 && errno != EEXIST)
		return err_set(e, ERR_IO, errno, "make %s", config->run_dir);
	for (ret->number = 0; ret->number < uids.blocks; ret->number++) {
		taken = try_number(config, layout, home, ret->number, &ret->lock, e);
		if (taken != 0)
			break;
	}
	if (taken < 0)
		return -1;
	if (taken == 0)
		return err_set(e, ERR_LIMIT, 0, "all %u instances of this host are taken", uids.blocks);
	ret->uid_base = uids.base + (uids.one ? 0 : ret->number * INSTANCE_UIDS);
	for (size_t i = 0; i < home->n_trees; i++) {
		if (!cgroup_sweep(home->instance[i], SWEEP_MS))
			log_warn(NULL, "leftovers of an earlier worker in %s/%s/i%u cannot be removed",
				 layout->trees[i].dir, config->cgroup_parent, ret->number);
	}
	sweep_others(config->run_dir, home, ret->number);
	return 0;
}
