/* SPDX-License-Identifier: MIT */
/* What this directory's tests share: a place of their own, and entries to keep in it. */
#ifndef CACHE_TESTING_H
#define CACHE_TESTING_H

#include "base/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/entry.h"
#include "cache/key.h"
#include "sandbox/spec_format.h"

struct place {
	char path[64];
};

static inline void place_make(struct place *p)
{
	snprintf(p->path, sizeof(p->path), "/tmp/codecrusher-cache-XXXXXX");
	assert_non_null(mkdtemp(p->path));
}

static inline int place_remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static inline void place_remove(const struct place *p)
{
	assert_int_equal(nftw(p->path, place_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* A sealed file set with one file, as a compile step hands it back. */
static inline int make_set(const char *name, const char *data, size_t len)
{
	struct spec_head head = { .magic = SPEC_SET_MAGIC, .version = SPEC_FORMAT_VERSION, .n_files = 1 };
	struct spec_entry entry = { .len = len };
	int fd = spec_create();

	head.meta_len = sizeof(head) + sizeof(entry) + strlen(name) + 1;
	head.size = head.meta_len + len;
	assert_true(fd >= 0);
	assert_int_equal(spec_write_all(fd, &head, sizeof(head)), 0);
	assert_int_equal(spec_write_all(fd, &entry, sizeof(entry)), 0);
	assert_int_equal(spec_write_all(fd, name, strlen(name) + 1), 0);
	assert_int_equal(spec_write_all(fd, data, len), 0);
	assert_int_equal(spec_seal(fd), 0);
	return fd;
}

static inline struct cache_entry an_artefact(const char *bytes)
{
	struct cache_entry e = { .artifacts_fd = make_set("main", bytes, strlen(bytes)), .cpu_us = 7 };

	assert_true(bytes_set(&e.err, "a warning", 9));
	return e;
}

static inline struct cache_entry a_refusal(const char *text, int64_t made_ms)
{
	struct cache_entry e = { .artifacts_fd = -1, .exit_code = 1, .made_ms = made_ms };

	assert_true(bytes_set(&e.err, text, strlen(text)));
	return e;
}

/* Whether two memfds hold the same. */
static inline bool same_bytes(int a, int b)
{
	char x[4096], y[4096];
	ssize_t n = pread(a, x, sizeof(x), 0), m = pread(b, y, sizeof(y), 0);

	return n > 0 && n == m && memcmp(x, y, (size_t)n) == 0;
}

#endif
