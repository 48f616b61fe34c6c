/* SPDX-License-Identifier: MIT */
/* For tests: a SQLite VFS whose disk fails, or whose process dies, at a chosen write or sync. */
#ifndef DB_FAULT_VFS_H
#define DB_FAULT_VFS_H

#include <stdatomic.h>

/* Becomes the default VFS of this process. */
void fault_vfs_install(void);

/* Counts down with each write and sync; the one that reaches 0 kills the process. Negative: never. */
extern _Atomic long fault_kill_in;
/* While true, writes fail as on a full disk. */
extern _Atomic int fault_full;

#endif
