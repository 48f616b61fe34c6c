/* SPDX-License-Identifier: MIT */
/*
 * Which toolchain a root file system holds now, without reading it: where the compiler lies, its inode, size
 * and times, and the same of what changes whenever packages do (their database, the directories of programs,
 * headers and libraries). Looked at for every compile, so that an upgrade under a running server counts at
 * once. A compiler replaced in place by hand, with its old size and times, is not noticed.
 */
#ifndef CACHE_TOOLCHAIN_H
#define CACHE_TOOLCHAIN_H

#include "base/err.h"
#include "base/sha256.h"

/* `rootfs` is a directory descriptor (O_PATH will do), `program` is searched as in a container. -1 when it is
 * not there. Any thread. */
int toolchain_identity(int rootfs, const char *program, unsigned char ret[SHA256_SIZE], struct err *e);

#endif
