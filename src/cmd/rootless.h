/* SPDX-License-Identifier: MIT */
/*
 * Less than root: what an ordinary user can give a spawner. It is started in a user namespace, as its root
 * where the user has ids to give away (/etc/subuid, /etc/subgid, and newuidmap and newgidmap, which may write
 * such maps), and otherwise as the user itself with all capabilities. What that is weaker in, the spawner's
 * own probe says.
 */
#ifndef CMD_ROOTLESS_H
#define CMD_ROOTLESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "conf/conf.h"
#include "sandbox/config.h"

struct id_range {
	uint32_t first, count;
};

struct rootless {
	enum sandbox_ids ids;
	struct id_range uids, gids; /* with SANDBOX_IDS_RANGE: to be given away */
};

/* Who we are and what we may give away; SANDBOX_IDS_ROOT for root. Blocks on the user database. */
void rootless_find(struct rootless *ret);

/* The largest range that a text in the form of /etc/subuid has for a user, by name (NULL: none) or number.
 * False: it has none. */
bool rootless_parse(const char *text, const char *name, uid_t uid, struct id_range *ret);

/*
 * In a process of one thread that is about to execute the spawner: enters the new user namespace. The
 * capabilities survive execve. Runs newuidmap and newgidmap and waits for them. Does nothing for root. -1
 * with the reason, after which the process has to end.
 */
int rootless_enter(const struct rootless *r, struct err *e);

/* For an ordinary user: where DATA_DIR and RUN_DIR were left at defaults that only root can write, they
 * become $XDG_STATE_HOME/codecrusher (~/.local/state/codecrusher) and $XDG_RUNTIME_DIR/codecrusher (without
 * one, `run` in the data directory). -1: memory is short, or there is no home. */
int rootless_adapt(struct conf *conf, struct err *e);

#endif
