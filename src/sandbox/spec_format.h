/* SPDX-License-Identifier: MIT */
/*
 * How a spec or a file set lies in its memfd. Only spec.c and collect.c write it, only spec_reader.c reads
 * it.
 *
 *   struct spec_head
 *   struct spec_entry [n_files]
 *   strings, each with its NUL: argv, env, collect, file names       (up to here: meta_len bytes)
 *   the files' bytes, one after another in the entries' order        (up to here: size bytes)
 *
 * Numbers are in the machine's own order: a spec never leaves the machine.
 */
#ifndef SANDBOX_SPEC_FORMAT_H
#define SANDBOX_SPEC_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/spec.h"

#define SPEC_MAGIC	    0x50534343u /* a whole spec */
#define SPEC_SET_MAGIC	    0x53464343u /* a file set: n_argv, n_env and n_collect are 0 */
#define SPEC_FORMAT_VERSION 1

/* 65536 names of 255 bytes, and as much again for argv, env and patterns. */
#define SPEC_META_MAX ((uint64_t)32 << 20)
#define SPEC_SIZE_MAX ((uint64_t)8 << 30)

struct spec_head {
	uint32_t magic;
	uint32_t version;
	uint32_t n_argv;
	uint32_t n_env;
	uint32_t n_collect;
	uint32_t n_files;
	uint64_t meta_len;
	uint64_t size;
};

struct spec_entry {
	uint64_t len;
	uint32_t executable; /* 0 or 1 */
	uint32_t unused;
};

/* Relative, at most SPEC_NAME_MAX bytes, no empty part, no "." or "..". */
bool spec_name_is_safe(const char *name);

/* A memfd that can be sealed. -1 with errno. */
int spec_create(void);

/* Writes all of it, whatever write(2) returns in between. 0, or -1 with errno. */
int spec_write_all(int fd, const void *data, size_t len);

#endif
