/* SPDX-License-Identifier: MIT */
/* What root prepares for the compile cache and for precompiled headers. */
#ifndef CMD_COMPILE_DIRS_H
#define CMD_COMPILE_DIRS_H

#include "cmd/privileges.h"
#include "conf/conf.h"

struct compile_dirs {
	char *cache;   /* directory the engine makes; NULL: no cache */
	char *headers; /* directory of the engine's that slots see; NULL: nothing is precompiled */
	int rootfs;    /* O_PATH: where compilers are; -1: neither of the two */
};

/* For a worker with native slots. What cannot be had is left out with a warning: everything works without. */
void compile_dirs_prepare(struct compile_dirs *d, const struct conf *conf, const struct account *account);
void compile_dirs_done(struct compile_dirs *d);

#endif
