/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "sandbox/beneath.h"
#include "sandbox/inside.h"
#include "sandbox/spec_reader.h"

static int make_parents(int dir, const char *name)
{
	char path[SPEC_NAME_MAX + 1];

	snprintf(path, sizeof(path), "%s", name);
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(dir, path, 0755) < 0 && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return 0;
}

/* Nobody else has written here yet, and only directories and regular files are ever made: mkdir meets no
 * link. O_EXCL: two files of one name are a mistake that must be seen. */
static int create(int dir, const char *name, mode_t mode)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL;
	int fd = open_beneath(dir, name, flags, mode);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (make_parents(dir, name) < 0)
		return -1;
	return open_beneath(dir, name, flags, mode);
}

static int unpack_one(int dir, struct spec_view *v, const char *name, const struct spec_entry *entry,
		      uint64_t offset)
{
	AUTO_CLOSE int fd = create(dir, name, entry->executable ? 0755 : 0644);
	uint64_t left = entry->len;

	if (fd < 0)
		return -1;
	while (left > 0) {
		size_t n;
		const char *data = spec_data(v, offset, left, &n);

		if (!data || spec_write_all(fd, data, n) < 0)
			return -1;
		offset += n;
		left -= n;
	}
	return 0;
}

int unpack_files(int dir, struct spec_view *v)
{
	uint64_t offset = v->head.meta_len;
	char *name = v->names;

	for (uint32_t i = 0; i < v->head.n_files; i++) {
		if (unpack_one(dir, v, name, &v->entries[i], offset) < 0)
			return -1;
		offset += v->entries[i].len;
		name = spec_next_string(name);
	}
	return 0;
}
