/* SPDX-License-Identifier: MIT */
/*
 * Reads a spec or a file set inside a slot. Whoever wrote it is not trusted: every count, length and offset
 * is checked against the size of the memfd before it is used, and bytes arrive by pread, never by mmap.
 */
#ifndef SANDBOX_SPEC_READER_H
#define SANDBOX_SPEC_READER_H

#include "sandbox/spec_format.h"

#define SPEC_FIRST 65536

/*
 * Large: keep it static. A spec of at most SPEC_FIRST bytes, files included, is read with one system call.
 * The strings of each kind lie one behind the other, each with its NUL; spec_next_string walks them.
 */
struct spec_view {
	int fd; /* the caller's, open as long as the view is used */
	struct spec_head head;
	char *meta;    /* head.meta_len bytes */
	size_t loaded; /* bytes of the memfd that are at `meta` */
	const struct spec_entry *entries;
	char *argv, *env, *collect, *names;
	_Alignas(16) char first[SPEC_FIRST];
	char chunk[SPEC_FIRST]; /* where spec_data puts what is not loaded */
};

/* Reads and checks everything but the files' bytes. `magic` is what is expected. 0, or -1 with errno: EBADMSG
 * for a malformed one. Only a large spec allocates (spec_view_done). */
int spec_view_load(struct spec_view *v, int fd, uint32_t magic);
void spec_view_done(struct spec_view *v);

static inline char *spec_next_string(char *s)
{
	while (*s)
		s++;
	return s + 1;
}

/* Up to `len` bytes at `offset` of the memfd, `*ret_len` of them (at least 1 if len > 0). Valid until the
 * next call. NULL with errno. */
const char *spec_data(struct spec_view *v, uint64_t offset, uint64_t len, size_t *ret_len);

#endif
