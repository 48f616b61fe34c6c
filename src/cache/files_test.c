/* SPDX-License-Identifier: MIT */
#include "cache/files.h"

#include <dirent.h>

#include "cache/testing.h"

#define MIB ((int64_t)1 << 20)

static void make_key(unsigned char key[CACHE_KEY_SIZE], int n)
{
	memset(key, 0, CACHE_KEY_SIZE);
	key[0] = (unsigned char)n;
	key[1] = (unsigned char)(n >> 8);
}

static struct cache_files *open_at(const struct place *p, int64_t max)
{
	struct err e = { 0 };
	struct cache_files *f = cache_files_open(p->path, max, &e);

	if (!f)
		fail_msg("%s", e.msg);
	return f;
}

static void write_one(struct cache_files *f, int n, const char *bytes)
{
	unsigned char key[CACHE_KEY_SIZE];
	struct cache_entry entry = an_artefact(bytes);
	struct err e = { 0 };

	make_key(key, n);
	if (cache_files_write(f, key, &entry, &e) < 0)
		fail_msg("%s", e.msg);
	cache_entry_done(&entry);
}

static enum err_kind try_read(struct cache_files *f, int n)
{
	unsigned char key[CACHE_KEY_SIZE];
	struct cache_entry entry = { .artifacts_fd = -1 };
	struct err e = { 0 };

	make_key(key, n);
	if (cache_files_read(f, key, 0, &entry, &e) < 0)
		return e.kind;
	cache_entry_done(&entry);
	return ERR_NONE;
}

static void path_of(const struct place *p, int n, char *out, size_t size)
{
	unsigned char key[CACHE_KEY_SIZE];
	char hex[SHA256_HEX_SIZE];

	make_key(key, n);
	sha256_to_hex(key, hex);
	snprintf(out, size, "%s/%s", p->path, hex);
}

static unsigned count_files(const struct place *p)
{
	DIR *d = opendir(p->path);
	const struct dirent *entry;
	unsigned n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL)
		n += entry->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

TEST(what_was_written_comes_back_sealed_also_after_a_restart)
{
	struct place p;
	unsigned char key[CACHE_KEY_SIZE];
	struct cache_entry wrote = an_artefact("program"), got;
	struct cache_files *f;
	struct err e = { 0 };

	place_make(&p);
	make_key(key, 1);
	f = open_at(&p, MIB);
	assert_int_equal(cache_files_write(f, key, &wrote, &e), 0);
	cache_files_close(f);
	f = open_at(&p, MIB);
	assert_true(cache_files_bytes(f) > 0);
	assert_int_equal(cache_files_read(f, key, 0, &got, &e), 0);
	assert_true(same_bytes(wrote.artifacts_fd, got.artifacts_fd));
	assert_true(spec_is_sealed(got.artifacts_fd));
	assert_int_equal(got.cpu_us, 7);
	assert_int_equal(got.err.len, 9);
	assert_memory_equal(got.err.data, "a warning", 9);
	cache_entry_done(&wrote);
	cache_entry_done(&got);
	cache_files_close(f);
	place_remove(&p);
}

TEST(only_the_engine_s_user_can_enter)
{
	struct place p;
	struct cache_files *f;
	struct stat st;

	place_make(&p);
	assert_int_equal(chmod(p.path, 0777), 0);
	f = open_at(&p, MIB);
	write_one(f, 1, "x");
	assert_int_equal(stat(p.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	cache_files_close(f);
	place_remove(&p);
}

/* Each byte of a file is held by something: its sizes, its key, its sum. */
TEST(a_file_with_any_byte_changed_is_dropped)
{
	struct place p;
	struct cache_files *f;
	char path[256];
	struct stat st;

	place_make(&p);
	f = open_at(&p, MIB);
	path_of(&p, 1, path, sizeof(path));
	write_one(f, 1, "program");
	assert_int_equal(stat(path, &st), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		char byte;
		int fd;

		write_one(f, 1, "program");
		fd = open(path, O_RDWR | O_CLOEXEC);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
		if (try_read(f, 1) != ERR_CORRUPT)
			fail_msg("byte %lld", (long long)at);
		assert_int_equal(access(path, F_OK), -1);
		assert_int_equal(try_read(f, 1), ERR_NOT_FOUND);
	}
	cache_files_close(f);
	place_remove(&p);
}

TEST(a_file_of_any_other_length_is_dropped)
{
	struct place p;
	struct cache_files *f;
	char path[256];
	struct stat st;

	place_make(&p);
	f = open_at(&p, MIB);
	path_of(&p, 1, path, sizeof(path));
	write_one(f, 1, "program");
	assert_int_equal(stat(path, &st), 0);
	for (off_t len = 0; len <= st.st_size + 1; len++) {
		if (len == st.st_size)
			continue;
		write_one(f, 1, "program");
		assert_int_equal(truncate(path, len), 0);
		if (try_read(f, 1) != ERR_CORRUPT)
			fail_msg("length %lld", (long long)len);
	}
	assert_int_equal(cache_files_bytes(f) < MIB, 1);
	cache_files_close(f);
	place_remove(&p);
}

TEST(an_entry_under_another_one_s_name_is_dropped)
{
	struct place p;
	struct cache_files *f;
	char one[256], two[256];

	place_make(&p);
	f = open_at(&p, MIB);
	write_one(f, 1, "program");
	path_of(&p, 1, one, sizeof(one));
	path_of(&p, 2, two, sizeof(two));
	assert_int_equal(rename(one, two), 0);
	assert_int_equal(try_read(f, 2), ERR_CORRUPT);
	assert_int_equal(access(two, F_OK), -1);
	cache_files_close(f);
	place_remove(&p);
}

TEST(links_and_fifos_are_not_followed_and_do_not_hold_anybody)
{
	struct place p;
	struct cache_files *f;
	char path[256], elsewhere[128];

	place_make(&p);
	f = open_at(&p, MIB);
	write_one(f, 1, "program");
	path_of(&p, 1, path, sizeof(path));
	snprintf(elsewhere, sizeof(elsewhere), "%s/.elsewhere", p.path);
	assert_int_equal(rename(path, elsewhere), 0);
	assert_int_equal(symlink(elsewhere, path), 0);
	assert_int_not_equal(try_read(f, 1), ERR_NONE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_not_equal(try_read(f, 1), ERR_NONE);
	cache_files_close(f);
	place_remove(&p);
}

TEST(what_is_no_entry_is_swept_at_the_start)
{
	static const char *const rubbish[] = { "new-1-1", "README", "0123", "core" };
	struct place p;
	struct cache_files *f;
	char path[256];

	place_make(&p);
	f = open_at(&p, MIB);
	write_one(f, 1, "program");
	cache_files_close(f);
	for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%s", p.path, rubbish[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		close(fd);
	}
	path_of(&p, 2, path, sizeof(path));
	assert_int_equal(symlink("/etc/passwd", path), 0);
	f = open_at(&p, MIB);
	assert_int_equal(count_files(&p), 1);
	assert_int_equal(try_read(f, 1), ERR_NONE);
	cache_files_close(f);
	place_remove(&p);
}

static void use_at(const struct place *p, int n, time_t when)
{
	const struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };
	char path[256];

	path_of(p, n, path, sizeof(path));
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* 16 blocks: the seventeenth entry makes room by the two that were used longest ago. */
TEST(the_least_recently_used_go_when_it_is_full)
{
	struct place p;
	struct cache_files *f;

	place_make(&p);
	f = open_at(&p, 16 * 4096);
	for (int i = 0; i < 16; i++) {
		write_one(f, i, "program");
		use_at(&p, i, 1000 + i);
	}
	assert_int_equal(count_files(&p), 16);
	assert_int_equal(try_read(f, 0), ERR_NONE); /* is used now */
	write_one(f, 16, "program");
	assert_true(cache_files_bytes(f) <= (int64_t)16 * 4096);
	assert_int_equal(try_read(f, 0), ERR_NONE);
	assert_int_equal(try_read(f, 16), ERR_NONE);
	assert_int_equal(try_read(f, 1), ERR_NOT_FOUND);
	assert_int_equal(try_read(f, 2), ERR_NOT_FOUND);
	assert_int_equal(try_read(f, 15), ERR_NONE);
	cache_files_close(f);
	place_remove(&p);
}

TEST(what_is_too_large_is_refused_and_leaves_nothing)
{
	static char large[40000];
	struct place p;
	struct cache_files *f;
	unsigned char key[CACHE_KEY_SIZE];
	struct cache_entry entry;
	struct err e = { 0 };

	place_make(&p);
	memset(large, 'x', sizeof(large) - 1);
	entry = an_artefact(large);
	make_key(key, 1);
	f = open_at(&p, 16 * 4096);
	assert_int_equal(cache_files_write(f, key, &entry, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(count_files(&p), 0);
	assert_int_equal(cache_files_bytes(f), 0);
	cache_entry_done(&entry);
	cache_files_close(f);
	place_remove(&p);
}

TEST(a_refusal_expires_and_an_artefact_does_not)
{
	static const struct {
		int64_t now;
		enum err_kind kind;
	} rows[] = {
		{ 5000, ERR_NONE },
		{ 5000 + CACHE_REFUSAL_MS, ERR_NONE },
		{ 5000 + CACHE_REFUSAL_MS + 1, ERR_NOT_FOUND },
		{ 4999, ERR_NOT_FOUND }, /* the clock was set back: nobody knows how old it is */
	};
	struct place p;
	unsigned char key[CACHE_KEY_SIZE];
	struct cache_files *f;

	place_make(&p);
	f = open_at(&p, MIB);
	make_key(key, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cache_entry wrote = a_refusal("no such thing", 5000), got = { .artifacts_fd = -1 };
		struct err e = { 0 };

		assert_int_equal(cache_files_write(f, key, &wrote, &e), 0);
		assert_int_equal(cache_files_read(f, key, rows[i].now, &got, &e), rows[i].kind ? -1 : 0);
		assert_int_equal(e.kind, rows[i].kind);
		if (!rows[i].kind)
			assert_int_equal(got.exit_code, 1);
		cache_entry_done(&wrote);
		cache_entry_done(&got);
	}
	write_one(f, 2, "program");
	assert_int_equal(try_read(f, 2), ERR_NONE);
	cache_files_close(f);
	place_remove(&p);
}

TEST(an_unsealed_artefact_is_not_taken)
{
	struct place p;
	unsigned char key[CACHE_KEY_SIZE];
	struct cache_entry entry = { .artifacts_fd = spec_create() };
	struct cache_files *f;
	struct err e = { 0 };

	place_make(&p);
	assert_int_equal(spec_write_all(entry.artifacts_fd, "x", 1), 0);
	make_key(key, 1);
	f = open_at(&p, MIB);
	assert_int_equal(cache_files_write(f, key, &entry, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	cache_entry_done(&entry);
	cache_files_close(f);
	place_remove(&p);
}

UNIT_MAIN(T(what_was_written_comes_back_sealed_also_after_a_restart), T(only_the_engine_s_user_can_enter),
	  T(a_file_with_any_byte_changed_is_dropped), T(a_file_of_any_other_length_is_dropped),
	  T(an_entry_under_another_one_s_name_is_dropped),
	  T(links_and_fifos_are_not_followed_and_do_not_hold_anybody),
	  T(what_is_no_entry_is_swept_at_the_start), T(the_least_recently_used_go_when_it_is_full),
	  T(what_is_too_large_is_refused_and_leaves_nothing), T(a_refusal_expires_and_an_artefact_does_not),
	  T(an_unsealed_artefact_is_not_taken))
