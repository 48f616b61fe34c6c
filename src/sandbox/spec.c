/* SPDX-License-Identifier: MIT */
#include "sandbox/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "sandbox/spec_format.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

bool spec_name_is_safe(const char *name)
{
	size_t part = 0;
	size_t len = strlen(name);

	if (len == 0 || len > SPEC_NAME_MAX)
		return false;
	for (size_t i = 0; i <= len; i++) {
		const char *start = name + i - part;

		if (name[i] != '/' && name[i] != '\0') {
			part++;
			continue;
		}
		if (part == 0 || (part == 1 && start[0] == '.') ||
		    (part == 2 && start[0] == '.' && start[1] == '.'))
			return false;
		part = 0;
	}
	return true;
}

int spec_create(void)
{
	int fd = memfd_create("codecrusher", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	/* The flag is of Linux 6.3; the bytes are never executed from here, so older kernels lose nothing. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("codecrusher", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

int spec_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, ALL_SEALS);
}

bool spec_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & ALL_SEALS) == ALL_SEALS;
}

int spec_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int count_strings(const char *const *list, uint32_t *ret, const char *what, struct err *e)
{
	uint32_t n = 0;

	while (list && list[n]) {
		if (++n > SPEC_STRINGS_MAX)
			return err_set(e, ERR_LIMIT, 0, "more than %d %s", SPEC_STRINGS_MAX, what);
	}
	*ret = n;
	return 0;
}

static int fill_head(const struct spec *s, struct spec_head *h, struct err *e)
{
	h->magic = SPEC_MAGIC;
	h->version = SPEC_FORMAT_VERSION;
	if (count_strings(s->argv, &h->n_argv, "arguments", e) < 0 ||
	    count_strings(s->env, &h->n_env, "environment variables", e) < 0 ||
	    count_strings(s->collect, &h->n_collect, "patterns of files to collect", e) < 0)
		return -1;
	if (h->n_argv == 0)
		return err_set(e, ERR_INVALID, 0, "a command needs at least one argument: its name");
	if (s->n_files > SPEC_FILES_MAX)
		return err_set(e, ERR_LIMIT, 0, "more than %d files", SPEC_FILES_MAX);
	h->n_files = (uint32_t)s->n_files;
	for (size_t i = 0; i < s->n_files; i++) {
		if (!spec_name_is_safe(s->files[i].name))
			return err_set(
				e, ERR_INVALID, 0,
				"file %zu: a name must be relative, without empty parts or '..', and at "
				"most %d bytes long",
				i + 1, SPEC_NAME_MAX);
		if (s->files[i].len > SPEC_SIZE_MAX - h->size)
			return err_set(e, ERR_LIMIT, 0, "the files are too large together");
		h->size += s->files[i].len;
	}
	return 0;
}

static bool add_strings(struct buf *b, const char *const *list)
{
	for (; list && *list; list++) {
		if (!buf_add(b, *list, strlen(*list) + 1))
			return false;
	}
	return true;
}

static bool add_meta(struct buf *b, const struct spec *s, const struct spec_head *h)
{
	if (!buf_add(b, h, sizeof(*h)))
		return false;
	for (size_t i = 0; i < s->n_files; i++) {
		struct spec_entry entry = { .len = s->files[i].len, .executable = s->files[i].executable };

		if (!buf_add(b, &entry, sizeof(entry)))
			return false;
	}
	if (!add_strings(b, s->argv) || !add_strings(b, s->env) || !add_strings(b, s->collect))
		return false;
	for (size_t i = 0; i < s->n_files; i++) {
		if (!buf_add(b, s->files[i].name, strlen(s->files[i].name) + 1))
			return false;
	}
	return true;
}

int spec_memfd(const struct spec *s, struct err *e)
{
	struct spec_head h = { 0 };
	AUTO(buf_done) struct buf meta;
	AUTO_CLOSE int fd = -1;

	buf_init(&meta, SPEC_META_MAX);
	if (fill_head(s, &h, e) < 0)
		return -1;
	if (!add_meta(&meta, s, &h))
		return err_set(e, ERR_LIMIT, 0,
			       "arguments, environment and file names are too long together");
	h.meta_len = meta.len;
	h.size += meta.len;
	memcpy(meta.data, &h, sizeof(h));

	fd = spec_create();
	if (fd < 0)
		return err_set(e, ERR_IO, errno, "memfd_create");
	if (spec_write_all(fd, meta.data, meta.len) < 0)
		return err_set(e, ERR_IO, errno, "write the spec");
	for (size_t i = 0; i < s->n_files; i++) {
		if (spec_write_all(fd, s->files[i].data, s->files[i].len) < 0)
			return err_set(e, ERR_IO, errno, "write the spec");
	}
	if (spec_seal(fd) < 0)
		return err_set(e, ERR_IO, errno, "seal the spec");
	return TAKE_FD(fd);
}
