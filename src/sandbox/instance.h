/* SPDX-License-Identifier: MIT */
/*
 * Several workers share a host. Each holds an instance number n, as a lock on run_dir/<n>/lock and on the
 * control group "i<n>"; with it come that group and a block of uids. Both locks end with the process, so what
 * is found under a number whose locks are free belongs to nobody and is swept.
 */
#ifndef SANDBOX_INSTANCE_H
#define SANDBOX_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/cgroup.h"
#include "sandbox/config.h"

#define INSTANCE_UIDS	   4096u /* in a block: jobs first, their inits from INSTANCE_INIT_UIDS on */
#define INSTANCE_INIT_UIDS SANDBOX_MAX_POSITIONS
#define INSTANCE_MAX	   256u

struct instance {
	uint32_t number;
	uint32_t uid_base; /* of the block */
	int lock;
};

struct instance_uids {
	uint32_t base;
	uint32_t blocks; /* how many instances fit, at most INSTANCE_MAX */
	bool one;	 /* no blocks: all instances have the one uid `base` (SANDBOX_IDS_ONE) */
};

/*
 * Where the blocks of all instances begin, given the text of /proc/self/uid_map: at `wanted` when it is
 * mapped, else in the upper half of the map's top range (what lies below may belong to the container's own
 * users). -1 when no block fits.
 */
int instance_uids_choose(const char *uid_map, uint32_t wanted, struct instance_uids *ret);
/* The same for this process; uids and gids must both be mapped. */
int instance_uids_read(uint32_t wanted, enum sandbox_ids ids, struct instance_uids *ret, struct err *e);

/*
 * Takes the first free number, opens its control groups in `home`, and sweeps everything that is left of it
 * and of other dead instances. Blocks; start only.
 */
int instance_open(const struct sandbox_config *config, const struct cgroup_layout *layout,
		  struct cgroup_home *home, struct instance *ret, struct err *e);

#endif
