/* SPDX-License-Identifier: MIT */
/* Root's last acts for the engine: its user, its directory, its descriptors, and letting go. */
#ifndef CMD_PRIVILEGES_H
#define CMD_PRIVILEGES_H

#include <sys/types.h>

#include "base/err.h"

struct account {
	uid_t uid;
	gid_t gid;
	gid_t also; /* a supplementary group, whose socket the engine uses; 0: none */
};

/* Whom the engine runs as: `user`, or whoever started us if that is not root. Root itself is refused. */
int account_find(const char *user, struct account *ret_account, struct err *e);

/*
 * Becomes `a` for good: no supplementary groups but its own, no capability left or to be had, no_new_privs.
 * Not started by root there is nobody else to become; the rest is the same, but the groups stay.
 * On failure the caller must exit: it may have got half-way.
 */
int privileges_drop(const struct account *a, struct err *e);

/* Lets the engine use a Docker Engine's socket by the group it belongs to; the group docker, as long as there
 * is no socket. One that everybody or nobody may use changes nothing. */
void account_join_socket(struct account *a, const char *path);

/* mkdir -p of everything above the last component. */
int dir_make_parents(const char *path, struct err *e);

/* Makes the directory and its parents; it is private to `a` afterwards (mode 0700). One that belongs to
 * somebody else and is not empty is refused. */
int data_dir_prepare(const char *path, const struct account *a, struct err *e);

/* Raises the limit of open files to `want`, or as far as the host allows. */
void open_files_raise(unsigned long want);

#endif
