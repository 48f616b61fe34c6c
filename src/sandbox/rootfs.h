/* SPDX-License-Identifier: MIT */
/* The template that all slots share: see rootfs_enter in slot.h. */
#ifndef SANDBOX_ROOTFS_H
#define SANDBOX_ROOTFS_H

#include <stdbool.h>

#include "base/err.h"

/* Where each slot mounts its own tmpfs as a whole. The template's /etc/passwd and /etc/group point there. */
#define ROOTFS_SLOT "/run/slot"

/* An empty directory, to be mounted over what is to be hidden. */
#define ROOTFS_EMPTY "/run/empty"

/*
 * Only for an ordinary user's spawner: the proc that was there. In a user namespace the kernel mounts a new
 * one only where another is in full sight already (mount_too_revealing in fs/namespace.c). A slot takes it
 * away when it has its own, before any program is in it.
 */
#define ROOTFS_OUTER_PROC "/run/proc"

/*
 * rootfs_etc.c: fills `etc` (a directory in the template, still writable) from `from`, the /etc of the host
 * or of a rootfs directory, or -1 when that has none. `whole`: all but what is secret or ours; otherwise only
 * what language tools need. What not everybody may read is never copied. 0, or -1 with the reason.
 */
int rootfs_fill_etc(int etc, int from, bool whole, struct err *e);

#endif
