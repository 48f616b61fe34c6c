/* SPDX-License-Identifier: MIT */
#include "cache/files.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cache/room.h"
#include "sandbox/spec_format.h"

#define MAGIC	  0x31434343u /* "CCC1" */
#define CHUNK	  ((size_t)256 << 10)
#define BLOCK	  4096
#define NAME_LEN  (SHA256_HEX_SIZE - 1)
#define TEMPORARY "new-"
/* What one entry's printed output may take: more is no use to anybody twice. */
#define TEXT_MAX ((uint64_t)64 << 20)

/* In the machine's own order: a cache never leaves its machine. Followed by out, err and the file set. */
struct head {
	uint32_t magic;
	int32_t exit_code;
	unsigned char key[CACHE_KEY_SIZE];
	int64_t cpu_us, wall_us, memory_bytes, made_ms;
	uint64_t out_len, err_len, set_len; /* set_len 0: a refusal */
	unsigned char sum[SHA256_SIZE];	    /* over the whole file, with zeros here */
};

struct cache_files {
	int dir;
	int64_t max_bytes;
	_Atomic int64_t bytes;
	unsigned written; /* makes names of temporary files */
};

static int64_t on_disk(int64_t size)
{
	return (size + BLOCK - 1) / BLOCK * BLOCK;
}

static void name_of(const unsigned char key[CACHE_KEY_SIZE], char ret[SHA256_HEX_SIZE])
{
	sha256_to_hex(key, ret);
}

static bool is_entry_name(const char *name)
{
	return strlen(name) == NAME_LEN && strspn(name, "0123456789abcdef") == NAME_LEN;
}

/* ---- the directory as a whole ---- */

struct found {
	char name[SHA256_HEX_SIZE];
	int64_t size;
	struct timespec used;
};

struct listing {
	struct found *items;
	size_t n, cap;
	int64_t bytes;
};

static bool list_one(struct listing *l, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT; /* another engine's sweep was here */
	if (!is_entry_name(name) || !S_ISREG(st.st_mode) || (size_t)st.st_size < sizeof(struct head)) {
		(void)unlinkat(dir, name, 0);
		return true;
	}
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct found *items = reallocarray(l->items, cap, sizeof(*items));

		if (!items)
			return false;
		l->items = items;
		l->cap = cap;
	}
	memcpy(l->items[l->n].name, name, SHA256_HEX_SIZE);
	l->items[l->n].size = on_disk(st.st_size);
	l->items[l->n++].used = st.st_mtim;
	l->bytes += on_disk(st.st_size);
	return true;
}

/* Also removes what is no entry; temporary files only with `fresh`, for somebody may be writing them. */
static int list_all(struct listing *l, int dir, bool fresh, struct err *e)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	bool ok = true;

	if (!d) {
		if (copy >= 0)
			(void)close(copy);
		return err_set(e, ERR_IO, errno, "list the compile cache");
	}
	while (ok && (entry = readdir(d)) != NULL) {
		bool temporary = strncmp(entry->d_name, TEMPORARY, strlen(TEMPORARY)) == 0;

		if (entry->d_name[0] != '.' && (fresh || !temporary))
			ok = list_one(l, dir, entry->d_name);
	}
	(void)closedir(d);
	return ok ? 0 : err_set(e, ERR_IO, errno, "list the compile cache");
}

static int by_use(const void *a, const void *b)
{
	const struct timespec *x = &((const struct found *)a)->used, *y = &((const struct found *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* Goes a tenth below the bound, so that not every write has to look at all. */
static int sweep(struct cache_files *f, bool fresh, struct err *e)
{
	struct listing l = { 0 };
	int r = list_all(&l, f->dir, fresh, e);

	if (r == 0 && l.n > 0 && l.bytes > f->max_bytes) {
		qsort(l.items, l.n, sizeof(*l.items), by_use);
		for (size_t i = 0; i < l.n && l.bytes > f->max_bytes / 10 * 9; i++) {
			if (unlinkat(f->dir, l.items[i].name, 0) == 0 || errno == ENOENT)
				l.bytes -= l.items[i].size;
		}
	}
	if (r == 0)
		atomic_store(&f->bytes, l.bytes);
	free(l.items);
	return r;
}

static int open_dir(const char *path, struct err *e)
{
	AUTO_CLOSE int dir = -1;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(e, ERR_IO, errno, "make the compile cache %s", path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || fchmod(dir, 0700) < 0)
		return err_set(e, ERR_IO, errno, "open the compile cache %s", path);
	return TAKE_FD(dir);
}

struct cache_files *cache_files_open(const char *path, int64_t max_bytes, struct err *e)
{
	AUTO(cache_files_close_p) struct cache_files *f = calloc(1, sizeof(*f));

	assert(max_bytes > 0);
	if (!f) {
		err_set(e, ERR_IO, ENOMEM, "open the compile cache");
		return NULL;
	}
	f->max_bytes = max_bytes;
	f->dir = open_dir(path, e);
	if (f->dir < 0 || sweep(f, true, e) < 0)
		return NULL;
	return TAKE(f);
}

void cache_files_close(struct cache_files *f)
{
	if (!f)
		return;
	if (f->dir >= 0)
		(void)close(f->dir);
	free(f);
}

int64_t cache_files_bytes(struct cache_files *f)
{
	int64_t bytes = atomic_load(&f->bytes);

	return bytes > 0 ? bytes : 0;
}

/* ---- reading ---- */

/* The rest of a file while it is read; `left` never goes below what its parts take. */
struct source {
	int fd;
	struct sha256 sum;
	char *chunk; /* CHUNK bytes */
};

static int broken(struct err *e, const char *what)
{
	return err_set(e, ERR_CORRUPT, 0, "%s", what);
}

static int read_some(struct source *s, char *to, size_t len, struct err *e)
{
	while (len > 0) {
		ssize_t n = read(s->fd, to, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, ERR_IO, errno, "read the compile cache");
		if (n == 0)
			return broken(e, "a file ends too early");
		sha256_update(&s->sum, to, (size_t)n);
		to += n;
		len -= (size_t)n;
	}
	return 0;
}

static int read_head(struct source *s, const unsigned char key[CACHE_KEY_SIZE], struct head *h, struct err *e)
{
	struct head blank;
	struct stat st;
	uint64_t rest;

	if (fstat(s->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return broken(e, "it is no file");
	if (read_some(s, (char *)h, sizeof(*h), e) < 0)
		return -1;
	rest = (uint64_t)st.st_size - sizeof(*h);
	if (h->magic != MAGIC || memcmp(h->key, key, CACHE_KEY_SIZE) != 0)
		return broken(e, "it is not what its name says");
	if (h->out_len > TEXT_MAX || h->err_len > TEXT_MAX || h->set_len > rest ||
	    h->out_len + h->err_len + h->set_len != rest || (h->exit_code == 0) != (h->set_len > 0))
		return broken(e, "its sizes do not fit");
	blank = *h;
	memset(blank.sum, 0, sizeof(blank.sum));
	sha256_init(&s->sum);
	sha256_update(&s->sum, &blank, sizeof(blank));
	return 0;
}

static int read_text(struct source *s, uint64_t len, struct bytes *ret, struct err *e)
{
	if (len == 0)
		return 0;
	ret->data = malloc((size_t)len + 1);
	if (!ret->data)
		return err_set(e, ERR_IO, ENOMEM, "read the compile cache");
	ret->len = (size_t)len;
	ret->data[len] = '\0';
	return read_some(s, ret->data, ret->len, e);
}

static int read_set(struct source *s, uint64_t len, int *ret_fd, struct err *e)
{
	AUTO_CLOSE int fd = spec_create();

	if (fd < 0)
		return err_set(e, ERR_IO, errno, "make a memfd");
	while (len > 0) {
		size_t n = len < CHUNK ? (size_t)len : CHUNK;

		if (read_some(s, s->chunk, n, e) < 0)
			return -1;
		if (spec_write_all(fd, s->chunk, n) < 0)
			return err_set(e, ERR_IO, errno, "write a memfd");
		len -= n;
	}
	if (spec_seal(fd) < 0)
		return err_set(e, ERR_IO, errno, "seal a memfd");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int read_entry(struct source *s, const unsigned char key[CACHE_KEY_SIZE], struct cache_entry *ret,
		      struct err *e)
{
	unsigned char sum[SHA256_SIZE];
	struct head h;

	if (read_head(s, key, &h, e) < 0 || read_text(s, h.out_len, &ret->out, e) < 0 ||
	    read_text(s, h.err_len, &ret->err, e) < 0)
		return -1;
	if (h.set_len > 0 && read_set(s, h.set_len, &ret->artifacts_fd, e) < 0)
		return -1;
	sha256_final(&s->sum, sum);
	if (memcmp(sum, h.sum, sizeof(sum)) != 0)
		return broken(e, "its bytes have changed");
	ret->exit_code = h.exit_code;
	ret->cpu_us = h.cpu_us;
	ret->wall_us = h.wall_us;
	ret->memory_bytes = h.memory_bytes;
	ret->made_ms = h.made_ms;
	return 0;
}

static void forget(struct cache_files *f, int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && unlinkat(f->dir, name, 0) == 0)
		atomic_fetch_sub(&f->bytes, on_disk(st.st_size));
}

int cache_files_read(struct cache_files *f, const unsigned char key[CACHE_KEY_SIZE], int64_t now_ms,
		     struct cache_entry *ret, struct err *e)
{
	static const struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
	AUTO_FREE char *chunk = malloc(CHUNK);
	AUTO_CLOSE int fd = -1;
	struct cache_entry entry = { .artifacts_fd = -1 };
	struct source s = { .chunk = chunk };
	char name[SHA256_HEX_SIZE];

	name_of(key, name);
	/* O_NONBLOCK: whatever else could lie here must not hold the thread. */
	fd = openat(f->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, 0, "not in the compile cache");
	if (fd < 0 || !chunk)
		return err_set(e, ERR_IO, fd < 0 ? errno : ENOMEM, "open an entry of the compile cache");
	s.fd = fd;
	sha256_init(&s.sum);
	if (read_entry(&s, key, &entry, e) < 0) {
		if (e->kind == ERR_CORRUPT)
			forget(f, fd, name);
		cache_entry_done(&entry);
		return -1;
	}
	if (entry.artifacts_fd < 0 && (now_ms - entry.made_ms > CACHE_REFUSAL_MS || now_ms < entry.made_ms)) {
		forget(f, fd, name);
		cache_entry_done(&entry);
		return err_set(e, ERR_NOT_FOUND, 0, "an expired refusal");
	}
	(void)futimens(fd, now);
	*ret = entry;
	return 0;
}

/* ---- writing ---- */

static int put(int fd, struct sha256 *sum, const void *data, size_t len, struct err *e)
{
	sha256_update(sum, data, len);
	if (spec_write_all(fd, data, len) < 0)
		return err_set(e, ERR_IO, errno, "write the compile cache");
	return 0;
}

/* With pread: others use the memfd's offset. */
static int put_set(int fd, struct sha256 *sum, int set, uint64_t len, struct err *e)
{
	AUTO_FREE char *chunk = malloc(CHUNK);
	uint64_t at = 0;

	if (!chunk)
		return err_set(e, ERR_IO, ENOMEM, "write the compile cache");
	while (at < len) {
		size_t want = len - at < CHUNK ? (size_t)(len - at) : CHUNK;
		ssize_t n = pread(set, chunk, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, ERR_IO, n < 0 ? errno : EIO, "read an artefact");
		if (put(fd, sum, chunk, (size_t)n, e) < 0)
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

static int write_entry(int fd, struct head *h, const struct cache_entry *entry, struct err *e)
{
	struct sha256 sum;

	sha256_init(&sum);
	if (put(fd, &sum, h, sizeof(*h), e) < 0 || put(fd, &sum, entry->out.data, entry->out.len, e) < 0 ||
	    put(fd, &sum, entry->err.data, entry->err.len, e) < 0 ||
	    (h->set_len > 0 && put_set(fd, &sum, entry->artifacts_fd, h->set_len, e) < 0))
		return -1;
	sha256_final(&sum, h->sum);
	if (pwrite(fd, h, sizeof(*h), 0) != (ssize_t)sizeof(*h))
		return err_set(e, ERR_IO, errno, "write the compile cache");
	return 0;
}

static int describe(const unsigned char key[CACHE_KEY_SIZE], const struct cache_entry *entry, struct head *h,
		    struct err *e)
{
	struct stat st = { 0 };

	if (entry->artifacts_fd >= 0 &&
	    (!spec_is_sealed(entry->artifacts_fd) || fstat(entry->artifacts_fd, &st) < 0))
		return err_set(e, ERR_INVALID, 0, "an artefact that is not sealed");
	*h = (struct head){
		.magic = MAGIC,
		.exit_code = entry->exit_code,
		.cpu_us = entry->cpu_us,
		.wall_us = entry->wall_us,
		.memory_bytes = entry->memory_bytes,
		.made_ms = entry->made_ms,
		.out_len = entry->out.len,
		.err_len = entry->err.len,
		.set_len = (uint64_t)st.st_size,
	};
	memcpy(h->key, key, CACHE_KEY_SIZE);
	if ((h->exit_code == 0) != (h->set_len > 0) || h->out_len > TEXT_MAX || h->err_len > TEXT_MAX)
		return err_set(e, ERR_INVALID, 0, "neither an artefact nor a refusal");
	return 0;
}

/* A whole file appears under its name, or none. Not synced: a torn one is found out when it is read. */
static int publish(struct cache_files *f, struct head *h, const struct cache_entry *entry, const char *name,
		   struct err *e)
{
	char temporary[64];
	AUTO_CLOSE int fd = -1;

	snprintf(temporary, sizeof(temporary), TEMPORARY "%d-%u", (int)getpid(), f->written++);
	fd = openat(f->dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, ERR_IO, errno, "write the compile cache");
	if (write_entry(fd, h, entry, e) < 0) {
		(void)unlinkat(f->dir, temporary, 0);
		return -1;
	}
	if (renameat(f->dir, temporary, f->dir, name) < 0) {
		(void)unlinkat(f->dir, temporary, 0);
		return err_set(e, ERR_IO, errno, "name an entry of the compile cache");
	}
	return 0;
}

int cache_files_write(struct cache_files *f, const unsigned char key[CACHE_KEY_SIZE],
		      const struct cache_entry *entry, struct err *e)
{
	char name[SHA256_HEX_SIZE];
	struct stat before;
	struct head h;
	int64_t size;

	name_of(key, name);
	if (describe(key, entry, &h, e) < 0)
		return -1;
	size = on_disk((int64_t)(sizeof(h) + h.out_len + h.err_len + h.set_len));
	if (size > f->max_bytes / 4)
		return err_set(e, ERR_LIMIT, 0, "%" PRId64 " bytes are too much for the compile cache", size);
	if (!room_for(f->dir, size))
		return err_set(e, ERR_LIMIT, 0, "the disk is too full for a cache");
	if (fstatat(f->dir, name, &before, AT_SYMLINK_NOFOLLOW) == 0)
		size -= on_disk(before.st_size);
	if (publish(f, &h, entry, name, e) < 0)
		return -1;
	if (atomic_fetch_add(&f->bytes, size) + size > f->max_bytes)
		return sweep(f, false, e);
	return 0;
}
