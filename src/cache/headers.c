/* SPDX-License-Identifier: MIT */
#include "cache/headers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "cache/room.h"
#include "sandbox/spec_reader.h"

#define CHUNK	  ((size_t)256 << 10)
#define DEPTH_MAX 8

#define SECRET	  ".secret"

/* Another engine that shares the directory may be doing the same: whoever links first is right. */
static int make_secret(int dir, struct err *e)
{
	unsigned char secret[HEADERS_SECRET_SIZE];
	char fresh[64];
	AUTO_CLOSE int fd = -1;
	int linked;

	snprintf(fresh, sizeof(fresh), SECRET "-%d", (int)getpid());
	(void)unlinkat(dir, fresh, 0);
	fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret) ||
	    spec_write_all(fd, secret, sizeof(secret)) < 0)
		return err_set(e, ERR_IO, errno, "make the secret of the precompiled headers");
	linked = linkat(dir, fresh, dir, SECRET, 0);
	if (linked < 0 && errno != EEXIST)
		err_set(e, ERR_IO, errno, "make the secret of the precompiled headers");
	else
		linked = 0;
	(void)unlinkat(dir, fresh, 0);
	return linked;
}

static bool read_secret(int dir, unsigned char ret[HEADERS_SECRET_SIZE])
{
	AUTO_CLOSE int fd = openat(dir, SECRET, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && read(fd, ret, HEADERS_SECRET_SIZE) == HEADERS_SECRET_SIZE;
}

int headers_open(const char *path, unsigned char ret_secret[HEADERS_SECRET_SIZE], struct err *e)
{
	AUTO_CLOSE int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return err_set(e, ERR_IO, errno, "open the precompiled headers' directory %s", path);
	if (read_secret(dir, ret_secret))
		return TAKE_FD(dir);
	(void)unlinkat(dir, SECRET, 0);
	if (make_secret(dir, e) < 0)
		return -1;
	if (!read_secret(dir, ret_secret))
		return err_set(e, ERR_IO, 0, "%s/" SECRET " cannot be read", path);
	return TAKE_FD(dir);
}

/* ---- names ---- */

struct paths {
	char file[PATH_MAX], fresh[PATH_MAX], sum[PATH_MAX], stub[PATH_MAX];
};

static bool join(char out[PATH_MAX], const char *set, const char *name, const char *ending)
{
	int n = snprintf(out, PATH_MAX, "%s/%s%s", set, name, ending);

	return n > 0 && n < PATH_MAX;
}

static int name_all(struct paths *p, const struct headers_item *item, struct err *e)
{
	if (!join(p->file, item->set, item->file, "") || !join(p->fresh, item->set, item->file, ".new") ||
	    !join(p->sum, item->set, item->file, ".sum") || !join(p->stub, item->set, item->header, ""))
		return err_set(e, ERR_INVALID, 0, "the header's name %.100s is too long", item->header);
	return 0;
}

/* Slots have other uids than the engine, whose umask is for itself. */
static int make_directories(int dir, const char *path, struct err *e)
{
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if ((mkdirat(dir, part, 0755) < 0 && errno != EEXIST) || fchmodat(dir, part, 0755, 0) < 0)
			return err_set(e, ERR_IO, errno, "make the directory %s of precompiled headers",
				       part);
		*slash = '/';
	}
	return 0;
}

/* ---- checking ---- */

static int sum_file(int fd, char ret[SHA256_HEX_SIZE], struct err *e)
{
	AUTO_FREE char *chunk = malloc(CHUNK);
	unsigned char digest[SHA256_SIZE];
	struct sha256 h;
	ssize_t n = -1;

	sha256_init(&h);
	while (chunk && (n = read(fd, chunk, CHUNK)) > 0)
		sha256_update(&h, chunk, (size_t)n);
	if (n < 0)
		return err_set(e, ERR_IO, chunk ? errno : ENOMEM, "read a precompiled header");
	sha256_final(&h, digest);
	sha256_to_hex(digest, ret);
	return 0;
}

static bool has_text(int dir, const char *path, const char *text)
{
	AUTO_CLOSE int fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char got[2048];
	ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof(got));

	return n >= 0 && (size_t)n == strlen(text) && memcmp(got, text, (size_t)n) == 0;
}

int headers_check(int dir, const struct headers_item *item, struct err *e)
{
	char sum[SHA256_HEX_SIZE];
	struct paths p;
	AUTO_CLOSE int fd = -1;

	if (name_all(&p, item, e) < 0)
		return -1;
	fd = openat(dir, p.file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno,
			       "open the precompiled header %s", p.file);
	if (sum_file(fd, sum, e) < 0)
		return -1;
	if (!has_text(dir, p.sum, sum) || !has_text(dir, p.stub, item->stub))
		return err_set(e, ERR_CORRUPT, 0, "the precompiled header %s is not what was stored", p.file);
	return 0;
}

/* ---- storing ---- */

static int write_text(int dir, const char *path, const char *text, struct err *e)
{
	AUTO_CLOSE int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0 || fchmod(fd, 0644) < 0 || spec_write_all(fd, text, strlen(text)) < 0)
		return err_set(e, ERR_IO, errno, "write %s", path);
	return 0;
}

static int copy_out(struct spec_view *v, int fd, char ret_sum[SHA256_HEX_SIZE], struct err *e)
{
	uint64_t at = v->head.meta_len, left = v->entries[0].len;
	unsigned char digest[SHA256_SIZE];
	struct sha256 h;

	sha256_init(&h);
	while (left > 0) {
		size_t n;
		const char *data = spec_data(v, at, left, &n);

		if (!data)
			return err_set(e, ERR_IO, errno, "read what the compiler made");
		if (spec_write_all(fd, data, n) < 0)
			return err_set(e, ERR_IO, errno, "write a precompiled header");
		sha256_update(&h, data, n);
		at += n;
		left -= n;
	}
	sha256_final(&h, digest);
	sha256_to_hex(digest, ret_sum);
	return 0;
}

static int store(int dir, const struct paths *p, struct spec_view *v, const char *stub, struct err *e)
{
	char sum[SHA256_HEX_SIZE];
	AUTO_CLOSE int fd =
		openat(dir, p->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0 || fchmod(fd, 0644) < 0)
		return err_set(e, ERR_IO, errno, "write %s", p->fresh);
	if (copy_out(v, fd, sum, e) < 0 || write_text(dir, p->stub, stub, e) < 0 ||
	    write_text(dir, p->sum, sum, e) < 0)
		return -1;
	if (renameat(dir, p->fresh, dir, p->file) < 0)
		return err_set(e, ERR_IO, errno, "name %s", p->file);
	return 0;
}

static int store_set(int dir, const struct headers_item *item, int file_set, struct spec_view *v,
		     struct err *e)
{
	struct paths p;
	int r;

	if (name_all(&p, item, e) < 0 || make_directories(dir, p.file, e) < 0 ||
	    make_directories(dir, p.stub, e) < 0)
		return -1;
	if (spec_view_load(v, file_set, SPEC_SET_MAGIC) < 0)
		return err_set(e, ERR_CORRUPT, errno, "read what the compiler made");
	if (!room_for(dir, (int64_t)v->head.size))
		r = err_set(e, ERR_LIMIT, 0, "the disk is too full");
	else if (v->head.n_files == 1)
		r = store(dir, &p, v, item->stub, e);
	else
		r = err_set(e, ERR_CORRUPT, 0, "the compiler made %u files", v->head.n_files);
	spec_view_done(v);
	if (r < 0)
		(void)unlinkat(dir, p.fresh, 0);
	return r;
}

int headers_store(int dir, const struct headers_item *item, int file_set, struct err *e)
{
	struct spec_view *v = malloc(sizeof(*v));
	int r;

	if (!v)
		return err_set(e, ERR_IO, ENOMEM, "store a precompiled header");
	r = store_set(dir, item, file_set, v, e);
	free(v);
	return r;
}

/* ---- sweeping ---- */

static bool is_kept(const char *name, const char *const *keep, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(name, keep[i]) == 0)
			return true;
	}
	return false;
}

static void remove_tree(int dir, const char *name, int depth);

static void sweep_into(int fd, const char *const *keep, size_t n, int depth)
{
	DIR *d = fdopendir(fd);
	const struct dirent *entry;

	if (!d) {
		(void)close(fd);
		return;
	}
	while ((entry = readdir(d)) != NULL) {
		/* Our own names begin with no dot, but for the secret. */
		if (entry->d_name[0] != '.' && !is_kept(entry->d_name, keep, n))
			remove_tree(dirfd(d), entry->d_name, depth);
	}
	(void)closedir(d);
}

static void remove_tree(int dir, const char *name, int depth)
{
	int fd;

	if (unlinkat(dir, name, 0) == 0 || depth >= DEPTH_MAX)
		return;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		sweep_into(fd, NULL, 0, depth + 1);
	(void)unlinkat(dir, name, AT_REMOVEDIR);
}

void headers_sweep(int dir, const char *const *keep, size_t n)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (copy >= 0)
		sweep_into(copy, keep, n, 0);
}
