/* SPDX-License-Identifier: MIT */
/*
 * Precompiled headers on disk, where slots read them: one directory for each set (one language, one
 * toolchain, one command), named after all that decided it. A file is made in one step and never changed in
 * place, and its SHA-256 lies beside it, for the check at the next start.
 *
 *   <set>/bits/stdc++.h.gch       what the compiler reads
 *   <set>/bits/stdc++.h.gch.sum   64 hexadecimal digits
 *   <set>/bits/stdc++.h           the stub, for a compile that does not want the precompiled one after all
 *   .secret                       goes into the sets' names; only the engine can read it
 *
 * All slots see the directory, but can neither list it nor guess a set's name: who is not told the name has
 * no precompiled headers.
 *
 * All of it takes long and is for a thread of its own. One writer.
 */
#ifndef CACHE_HEADERS_H
#define CACHE_HEADERS_H

#include <stddef.h>

#include "base/err.h"

struct headers_item {
	const char *set;    /* a plain name */
	const char *header; /* "bits/stdc++.h" */
	const char *file;   /* "bits/stdc++.h.gch" */
	const char *stub;   /* text of <set>/<header> */
};

#define HEADERS_SECRET_SIZE 32

/* A descriptor of the directory `path`, which must be there, and its secret, made when it had none. -1 with
 * the reason. */
int headers_open(const char *path, unsigned char ret_secret[HEADERS_SECRET_SIZE], struct err *e);

/* Whether the item is there and whole. 0, or -1: ERR_NOT_FOUND, ERR_CORRUPT, ERR_IO. */
int headers_check(int dir, const struct headers_item *item, struct err *e);

/* Takes the one file of a set of files (as a compile step hands back) for the item. 0, or -1 with the reason.
 */
int headers_store(int dir, const struct headers_item *item, int file_set, struct err *e);

/* Removes all sets but these; what cannot be removed stays. */
void headers_sweep(int dir, const char *const *keep, size_t n);

#endif
