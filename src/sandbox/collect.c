/* SPDX-License-Identifier: MIT */
/*
 * Carries files out of a slot. Every process of the program is dead, so nothing changes underneath; but the
 * program chose all names, kinds and sizes. First a walk that only looks and adds up, then the copy.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "sandbox/beneath.h"
#include "sandbox/defence.h"
#include "sandbox/inside.h"
#include "sandbox/spec_reader.h"

#define DEPTH_MAX   32
#define ENTRIES_MAX 200000 /* directory entries looked at: bounds the time of a walk */
#define DIRENT_BUF  8192

struct collector {
	int box;
	const struct slot_collect *want;
	uint32_t looked;
	uint32_t n_files;
	uint64_t bytes;
	struct buf entries; /* struct spec_entry */
	struct buf names;   /* each with its NUL */
	char path[SPEC_NAME_MAX + 1];
};

/* As getdents64(2) has it. */
struct kernel_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

static struct spec_view view;

static bool is_wanted(const char *path)
{
	char *pattern = view.collect;

	for (uint32_t i = 0; i < view.head.n_collect; i++) {
		if (collect_matches(pattern, path))
			return true;
		pattern = spec_next_string(pattern);
	}
	return false;
}

static int open_file(int dir, const char *name)
{
	if (defence_is_off(DEFENCE_COLLECT_RULES))
		return (int)syscall(SYS_openat2, dir, name, &(struct open_how){ .flags = O_CLOEXEC },
				    sizeof(struct open_how));
	return open_beneath(dir, name, O_RDONLY, 0);
}

static int add_file(struct collector *c, int dir, const char *name, struct err *e)
{
	AUTO_CLOSE int fd = open_file(dir, name);
	struct spec_entry entry = { 0 };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, ERR_IO, errno, "collect: cannot read a file");
	if (!S_ISREG(st.st_mode))
		return 0;
	if (c->n_files >= c->want->max_files || c->n_files >= SPEC_FILES_MAX)
		return err_set(e, ERR_LIMIT, 0, "collect: too many files");
	/* st_size, not blocks: a sparse file is as large as what would be read from it. */
	if (st.st_size > c->want->max_bytes - (int64_t)c->bytes)
		return err_set(e, ERR_LIMIT, 0, "collect: the files are too large");
	entry.len = (uint64_t)st.st_size;
	entry.executable = (st.st_mode & S_IXUSR) != 0;
	if (!buf_add(&c->entries, &entry, sizeof(entry)) || !buf_add(&c->names, c->path, strlen(c->path) + 1))
		return err_set(e, ERR_LIMIT, 0, "collect: the names are too long together");
	c->n_files++;
	c->bytes += entry.len;
	return 0;
}

static int walk(struct collector *c, int dir, size_t path_len, int depth, struct err *e);

static int descend(struct collector *c, int dir, const char *name, size_t path_len, int depth, struct err *e)
{
	AUTO_CLOSE int fd = -1;

	if (depth >= DEPTH_MAX || path_len + 1 >= sizeof(c->path))
		return 0;
	fd = open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return errno == EACCES ? 0 : err_set(e, ERR_IO, errno, "collect: cannot open a directory");
	c->path[path_len] = '/';
	return walk(c, fd, path_len + 1, depth + 1, e);
}

static int look_at(struct collector *c, int dir, const struct kernel_dirent *d, size_t path_len, int depth,
		   struct err *e)
{
	size_t len = strlen(d->name);

	if (strcmp(d->name, ".") == 0 || strcmp(d->name, "..") == 0)
		return 0;
	if (++c->looked > ENTRIES_MAX)
		return err_set(e, ERR_LIMIT, 0, "collect: too many directory entries");
	/* No file set can name it. */
	if (path_len + len > SPEC_NAME_MAX)
		return 0;
	memcpy(c->path + path_len, d->name, len + 1);
	if (d->type == DT_DIR)
		return descend(c, dir, d->name, path_len + len, depth, e);
	if ((d->type == DT_REG || defence_is_off(DEFENCE_COLLECT_RULES)) && is_wanted(c->path))
		return add_file(c, dir, d->name, e);
	return 0;
}

/* c->path has the directory's own path, with a slash behind it, in its first `path_len` bytes. */
static int walk(struct collector *c, int dir, size_t path_len, int depth, struct err *e)
{
	_Alignas(struct kernel_dirent) char buf[DIRENT_BUF];
	long n;

	while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			const struct kernel_dirent *d = (const void *)(buf + at);

			if (look_at(c, dir, d, path_len, depth, e) < 0)
				return -1;
			at += d->reclen;
		}
	}
	return n < 0 ? err_set(e, ERR_IO, errno, "collect: cannot list a directory") : 0;
}

static int copy_file(int from, int to, uint64_t len, struct err *e)
{
	while (len > 0) {
		ssize_t n = read(from, view.chunk, len < SPEC_FIRST ? (size_t)len : SPEC_FIRST);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, ERR_IO, n < 0 ? errno : EIO, "collect: cannot read a file");
		if (spec_write_all(to, view.chunk, (size_t)n) < 0)
			return err_set(e, ERR_IO, errno, "collect: cannot copy");
		len -= (uint64_t)n;
	}
	return 0;
}

static int write_set(struct collector *c, int set, struct err *e)
{
	const struct spec_entry *entries = (const void *)c->entries.data;
	char *name = c->names.data;
	struct spec_head head = {
		.magic = SPEC_SET_MAGIC,
		.version = SPEC_FORMAT_VERSION,
		.n_files = c->n_files,
		.meta_len = sizeof(head) + c->entries.len + c->names.len,
	};

	head.size = head.meta_len + c->bytes;
	if (spec_write_all(set, &head, sizeof(head)) < 0 ||
	    spec_write_all(set, c->entries.data, c->entries.len) < 0 ||
	    spec_write_all(set, c->names.data, c->names.len) < 0)
		return err_set(e, ERR_IO, errno, "collect: cannot write the set");
	for (uint32_t i = 0; i < c->n_files; i++) {
		AUTO_CLOSE int fd = open_file(c->box, name);

		if (fd < 0)
			return err_set(e, ERR_IO, errno, "collect: cannot open a file");
		if (copy_file(fd, set, entries[i].len, e) < 0)
			return -1;
		name = spec_next_string(name);
	}
	return 0;
}

static int collect_into(struct collector *c, int set, struct err *e)
{
	if (lseek(c->box, 0, SEEK_SET) < 0)
		return err_set(e, ERR_IO, errno, "collect: cannot list the box");
	if (walk(c, c->box, 0, 0, e) < 0 || write_set(c, set, e) < 0)
		return -1;
	if (spec_seal(set) < 0)
		return err_set(e, ERR_IO, errno, "collect: cannot seal the set");
	return 0;
}

int collect_files(int box, int spec, const struct slot_collect *want, struct err *e)
{
	struct collector c = { .box = box, .want = want };
	AUTO_CLOSE int set = -1;
	int r;

	if (spec_view_load(&view, spec, SPEC_MAGIC) < 0)
		return err_set(e, ERR_CORRUPT, errno, "collect: cannot read the spec");
	set = spec_create();
	if (set < 0)
		return err_set(e, ERR_IO, errno, "collect: cannot make a memfd");
	buf_init(&c.entries, SPEC_FILES_MAX * sizeof(struct spec_entry));
	buf_init(&c.names, (size_t)SPEC_FILES_MAX * (SPEC_NAME_MAX + 1));
	r = collect_into(&c, set, e);
	buf_done(&c.entries);
	buf_done(&c.names);
	spec_view_done(&view);
	return r < 0 ? -1 : TAKE_FD(set);
}
