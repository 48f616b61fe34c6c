/* SPDX-License-Identifier: MIT */
/*
 * Under which name a compile's outcome is kept: SHA-256 over everything that decides it, and over who asked.
 *
 * Every part is written with its length in front and every list with its count, so that no two different
 * questions can run into the same bytes (a file "ab" with "c" and a file "a" with "bc").
 */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include "base/sha256.h"
#include "executor/executor.h"
#include "job/job.h"
#include "lang/lang.h"

#define CACHE_KEY_SIZE SHA256_SIZE

struct cache_question {
	const char *tenant; /* who may meet the answer again (id_owner); "": everybody without a key */
	const struct lang *lang;
	const struct exec_spec *spec;  /* the compile step: command, environment, limits, what is collected */
	struct submission *submission; /* its files */
};

/* The parts that are small: all but what the files hold. */
void cache_key_begin(struct sha256 *h, const struct cache_question *q);
/* The files' bytes; any thread, as long as somebody else holds the submission. */
void cache_key_files(struct sha256 *h, const struct submission *s);
/* Who compiles (cache/toolchain.h). */
void cache_key_end(struct sha256 *h, const unsigned char toolchain[SHA256_SIZE],
		   unsigned char ret_key[CACHE_KEY_SIZE]);

#endif
