/* SPDX-License-Identifier: MIT */
#include "cache/headers.h"
#include "cache/testing.h"

static const struct headers_item item = {
	.set = "abc",
	.header = "bits/stdc++.h",
	.file = "bits/stdc++.h.gch",
	.stub = "#include_next <bits/stdc++.h>\n",
};

struct scene {
	struct place place;
	int dir;
	unsigned char secret[HEADERS_SECRET_SIZE];
};

static void open_it(struct scene *s)
{
	struct err e = { 0 };

	s->dir = headers_open(s->place.path, s->secret, &e);
	if (s->dir < 0)
		fail_msg("%s", e.msg);
}

static void begin(struct scene *s)
{
	place_make(&s->place);
	open_it(s);
}

static void end(struct scene *s)
{
	close(s->dir);
	place_remove(&s->place);
}

static void store(struct scene *s, const struct headers_item *i)
{
	static char large[200000]; /* more than one chunk */
	struct err e = { 0 };
	int set;

	memset(large, 'p', sizeof(large));
	set = make_set("main", large, sizeof(large));
	if (headers_store(s->dir, i, set, &e) < 0)
		fail_msg("%s", e.msg);
	close(set);
}

static enum err_kind check(struct scene *s)
{
	struct err e = { 0 };

	return headers_check(s->dir, &item, &e) < 0 ? e.kind : ERR_NONE;
}

TEST(what_is_stored_is_whole_and_readable_by_others_also_later)
{
	static const char *const paths[] = { "abc", "abc/bits", "abc/bits/stdc++.h",
					     "abc/bits/stdc++.h.gch" };
	struct scene s;
	struct stat st;

	begin(&s);
	assert_int_equal(check(&s), ERR_NOT_FOUND);
	(void)umask(077);
	store(&s, &item);
	(void)umask(022);
	assert_int_equal(check(&s), ERR_NONE);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(fstatat(s.dir, paths[i], &st, 0), 0);
		assert_int_equal(st.st_mode & 0777, S_ISDIR(st.st_mode) ? 0755 : 0644);
	}
	assert_int_equal(st.st_size, 200000);
	close(s.dir);
	open_it(&s);
	assert_int_equal(check(&s), ERR_NONE);
	end(&s);
}

TEST(a_changed_file_sum_or_stub_is_noticed)
{
	static const char *const paths[] = { "abc/bits/stdc++.h.gch", "abc/bits/stdc++.h.gch.sum",
					     "abc/bits/stdc++.h" };
	struct scene s;

	begin(&s);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int fd;

		store(&s, &item);
		assert_int_equal(check(&s), ERR_NONE);
		fd = openat(s.dir, paths[i], O_WRONLY | O_CLOEXEC);
		assert_int_equal(pwrite(fd, "X", 1, 0), 1);
		close(fd);
		assert_int_equal(check(&s), ERR_CORRUPT);
	}
	store(&s, &item);
	assert_int_equal(check(&s), ERR_NONE);
	assert_int_equal(unlinkat(s.dir, paths[1], 0), 0);
	assert_int_equal(check(&s), ERR_CORRUPT);
	end(&s);
}

TEST(other_sets_are_swept_and_the_secret_stays)
{
	static const char *const keep[] = { "abc" };
	const struct headers_item old = { .set = "old", .header = "x", .file = "x.gch", .stub = "\n" };
	struct scene s;
	unsigned char before[HEADERS_SECRET_SIZE];

	begin(&s);
	memcpy(before, s.secret, sizeof(before));
	store(&s, &item);
	store(&s, &old);
	headers_sweep(s.dir, keep, 1);
	assert_int_equal(check(&s), ERR_NONE);
	assert_int_equal(faccessat(s.dir, "old", F_OK, 0), -1);
	close(s.dir);
	open_it(&s);
	assert_memory_equal(before, s.secret, sizeof(before));
	end(&s);
}

TEST(the_secret_is_for_the_engine_alone_and_a_broken_one_is_made_anew)
{
	struct scene s;
	struct stat st;
	unsigned char before[HEADERS_SECRET_SIZE];

	begin(&s);
	assert_int_equal(fstatat(s.dir, ".secret", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	memcpy(before, s.secret, sizeof(before));
	assert_int_equal(unlinkat(s.dir, ".secret", 0), 0);
	assert_int_equal(symlinkat("/dev/zero", s.dir, ".secret"), 0);
	close(s.dir);
	open_it(&s);
	assert_memory_not_equal(before, s.secret, sizeof(before));
	assert_int_equal(fstatat(s.dir, ".secret", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	end(&s);
}

TEST(a_set_of_files_that_is_none_is_refused_and_leaves_nothing_to_use)
{
	struct scene s;
	struct err e = { 0 };
	int fd = spec_create();

	begin(&s);
	assert_int_equal(spec_write_all(fd, "rubbish", 7), 0);
	assert_int_equal(headers_store(s.dir, &item, fd, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	assert_int_equal(check(&s), ERR_NOT_FOUND);
	close(fd);
	end(&s);
}

UNIT_MAIN(T(what_is_stored_is_whole_and_readable_by_others_also_later),
	  T(a_changed_file_sum_or_stub_is_noticed), T(other_sets_are_swept_and_the_secret_stays),
	  T(the_secret_is_for_the_engine_alone_and_a_broken_one_is_made_anew),
	  T(a_set_of_files_that_is_none_is_refused_and_leaves_nothing_to_use))
