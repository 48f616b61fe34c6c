/* SPDX-License-Identifier: MIT */
/*
 * The spec: what one run consists of, in one sealed memfd: argv, environment, files, and which files to
 * collect. The engine writes it; only the slot's own job process (uid of the slot, no capability, filter
 * loaded) reads it, with pread and every bound checked. The spawner checks nothing but the seals.
 *
 * A file set is the part with the files alone: what a compile step hands to the run step. Both begin with a
 * magic and a version.
 */
#ifndef SANDBOX_SPEC_H
#define SANDBOX_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SPEC_NAME_MAX	 255 /* bytes of a file name, directories included */
#define SPEC_FILES_MAX	 65536
#define SPEC_STRINGS_MAX 8192 /* of argv, env and patterns each */

struct spec_file {
	const char *name;
	const char *data;
	size_t len;
	bool executable;
};

struct spec {
	const char *const *argv; /* NULL-terminated, at least one */
	const char *const *env;	 /* NULL-terminated */
	const struct spec_file *files;
	size_t n_files;
	/* NULL-terminated or NULL. Paths below /box: `*` and `?` stop at '/', `**` does not; a pattern
	 * without a match is no error. */
	const char *const *collect;
};

/* Writes and seals a memfd. -1 with ERR_LIMIT, ERR_IO, or ERR_INVALID (no argv, or a file name that is not
 * relative and plain). The caller closes it. */
int spec_memfd(const struct spec *s, struct err *e);

/* Whether a collecting pattern names the path: `*` and `?` stop at '/', `**` does not; everything else is
 * itself. */
bool collect_matches(const char *pattern, const char *path);

/* The seals that make a memfd immutable, and whether `fd` is a memfd that carries them all. */
bool spec_is_sealed(int fd);
int spec_seal(int fd);

#endif
