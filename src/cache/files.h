/* SPDX-License-Identifier: MIT */
/*
 * The entries on disk: one file each in one directory that only the engine's user can enter, named after its
 * key. A file holds its key and a SHA-256 over all of it; what does not agree when it is read is removed and
 * counts as absent, so a disk that lies, a crash in the middle of a write or a hand in the directory costs a
 * compile and nothing else. No slot ever sees the directory: artefacts leave it as sealed memfds.
 *
 * There is no index: the directory is one. The files' modification times are when they were last used; when
 * all are larger together than allowed, the oldest go. Several engines may share a directory.
 *
 * Reading and writing may happen in different threads at once; two writers may not.
 */
#ifndef CACHE_FILES_H
#define CACHE_FILES_H

#include <stdint.h>

#include "base/err.h"
#include "cache/entry.h"
#include "cache/key.h"

/* What a compiler refused once may have been the machine's fault (no disk, no memory for a child): after this
 * it is asked again. */
#define CACHE_REFUSAL_MS (10 * 60 * 1000)

struct cache_files;

/* Opens `path`, making it where it is missing, and removes what is no entry. `max_bytes` over 0. */
struct cache_files *cache_files_open(const char *path, int64_t max_bytes, struct err *e);
void cache_files_close(struct cache_files *f); /* NULL is fine */
DEFINE_AUTO(struct cache_files, cache_files_close)

/* Fills *ret, the caller's to release. -1: ERR_NOT_FOUND (also when it was a refusal that has expired),
 * ERR_CORRUPT (it has been removed), ERR_IO. */
int cache_files_read(struct cache_files *f, const unsigned char key[CACHE_KEY_SIZE], int64_t now_ms,
		     struct cache_entry *ret, struct err *e);

/* Keeps the entry, and removes others if it is too much together. -1: ERR_LIMIT (larger than a quarter of the
 * cache, or the disk is nearly full), ERR_IO; nothing is left of it then. */
int cache_files_write(struct cache_files *f, const unsigned char key[CACHE_KEY_SIZE],
		      const struct cache_entry *entry, struct err *e);

/* What the entries take on disk, as far as this process knows. */
int64_t cache_files_bytes(struct cache_files *f);

#endif
