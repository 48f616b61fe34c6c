/* SPDX-License-Identifier: MIT */
#include "sandbox/spec.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "sandbox/inside.h"
#include "sandbox/spec_reader.h"

static struct spec_view view;

static const struct spec_file two_files[] = {
	{ .name = "main.py", .data = "print(1)\n", .len = 9 },
	{ .name = "bin/tool", .data = "\0\1\2", .len = 3, .executable = true },
};

static const char *const argv[] = { "python3", "main.py", NULL };
static const char *const env[] = { "A=1", NULL };
static const char *const patterns[] = { "out/*", NULL };
static const char *const nothing[] = { NULL };

static struct spec sample(void)
{
	return (struct spec){
		.argv = argv,
		.env = env,
		.files = two_files,
		.n_files = 2,
		.collect = patterns,
	};
}

TEST(what_was_written_is_what_is_read)
{
	struct spec s = sample();
	struct err e;
	AUTO_CLOSE int fd = spec_memfd(&s, &e);
	size_t n;

	assert_true(fd >= 0);
	assert_int_equal(spec_view_load(&view, fd, SPEC_MAGIC), 0);
	assert_int_equal(view.head.n_argv, 2);
	assert_string_equal(view.argv, "python3");
	assert_string_equal(spec_next_string(view.argv), "main.py");
	assert_string_equal(view.env, "A=1");
	assert_string_equal(view.collect, "out/*");
	assert_string_equal(view.names, "main.py");
	assert_true(view.entries[1].executable);
	assert_memory_equal(spec_data(&view, view.head.meta_len, 9, &n), "print(1)\n", 9);
	assert_memory_equal(spec_data(&view, view.head.meta_len + 9, 3, &n), "\0\1\2", 3);
	assert_int_equal(n, 3);
	spec_view_done(&view);
}

TEST(a_spec_is_sealed_and_an_ordinary_memfd_is_not)
{
	struct spec s = sample();
	struct err e;
	AUTO_CLOSE int fd = spec_memfd(&s, &e);
	AUTO_CLOSE int open_one = spec_create();
	AUTO_CLOSE int no_memfd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(spec_is_sealed(fd));
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_false(spec_is_sealed(open_one));
	assert_false(spec_is_sealed(no_memfd));
	assert_false(spec_is_sealed(-1));
}

TEST(large_files_and_many_names_arrive_whole)
{
	enum { FILES = 3000, BIG = 300000 };
	struct spec_file *files = calloc(FILES, sizeof(*files));
	char(*names)[64] = calloc(FILES, sizeof(*names));
	char *big = malloc(BIG);
	struct spec s = sample();
	struct err e;
	uint64_t at;
	size_t n;
	int fd;

	assert_non_null(files);
	assert_non_null(names);
	assert_non_null(big);
	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)(i * 7);
	for (int i = 0; i < FILES; i++) {
		snprintf(names[i], sizeof(names[i]), "directory-%d/a-rather-long-file-name-%d", i % 10, i);
		files[i] =
			(struct spec_file){ .name = names[i], .data = big, .len = i == FILES - 1 ? BIG : 1 };
	}
	s.files = files;
	s.n_files = FILES;
	fd = spec_memfd(&s, &e);
	assert_int_equal(spec_view_load(&view, fd, SPEC_MAGIC), 0);
	assert_true(view.head.meta_len > SPEC_FIRST);
	at = view.head.meta_len + FILES - 1;
	for (size_t done = 0; done < BIG; done += n) {
		const char *data = spec_data(&view, at + done, BIG - done, &n);

		assert_non_null(data);
		assert_memory_equal(data, big + done, n);
	}
	spec_view_done(&view);
	close(fd);
	free(files);
	free(names);
	free(big);
}

TEST(only_relative_names_without_tricks_are_taken)
{
	static const struct {
		const char *name;
		bool safe;
	} rows[] = {
		{ "a", true },	    { "a/b/c.txt", true }, { ".hidden", true }, { "..a", true },
		{ "a..", true },    { "...", true },	   { "", false },	{ "/etc/passwd", false },
		{ "..", false },    { "../x", false },	   { "a/../b", false }, { "a/..", false },
		{ ".", false },	    { "./a", false },	   { "a//b", false },	{ "a/", false },
		{ "a/./b", false },
	};
	char name[SPEC_NAME_MAX + 2];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(spec_name_is_safe(rows[i].name), rows[i].safe);
	memset(name, 'x', sizeof(name));
	name[SPEC_NAME_MAX] = '\0';
	assert_true(spec_name_is_safe(name));
	name[SPEC_NAME_MAX] = 'x';
	name[SPEC_NAME_MAX + 1] = '\0';
	assert_false(spec_name_is_safe(name));
}

TEST(what_cannot_be_a_spec_is_refused_with_its_kind)
{
	struct spec_file bad = { .name = "../x", .data = "", .len = 0 };
	struct spec s = sample();
	struct err e;

	s.files = &bad;
	s.n_files = 1;
	assert_int_equal(spec_memfd(&s, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	s.n_files = SPEC_FILES_MAX + 1;
	assert_int_equal(spec_memfd(&s, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	s = sample();
	s.argv = nothing;
	assert_int_equal(spec_memfd(&s, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
}

/* Each byte of a valid spec changed, and each length cut: never more than a refusal. */
TEST(a_damaged_spec_is_refused_or_still_within_its_bounds)
{
	struct spec s = sample();
	struct err e;
	AUTO_CLOSE int fd = spec_memfd(&s, &e);
	AUTO_CLOSE int damaged = spec_create();
	char whole[512], copy[512];
	ssize_t len = pread(fd, whole, sizeof(whole), 0);

	assert_true(len > 0 && len < (ssize_t)sizeof(whole));
	for (ssize_t cut = 0; cut < len; cut++) {
		assert_int_equal(ftruncate(damaged, 0), 0);
		assert_int_equal(pwrite(damaged, whole, (size_t)cut, 0), cut);
		assert_int_equal(spec_view_load(&view, damaged, SPEC_MAGIC), -1);
		assert_int_equal(errno, EBADMSG);
		spec_view_done(&view);
	}
	for (ssize_t at = 0; at < len; at++) {
		memcpy(copy, whole, sizeof(copy));
		copy[at] = (char)(copy[at] ^ 0x41);
		assert_int_equal(pwrite(damaged, copy, (size_t)len, 0), len);
		if (spec_view_load(&view, damaged, SPEC_MAGIC) == 0)
			assert_true(view.names < view.meta + view.head.meta_len);
		spec_view_done(&view);
	}
}

TEST(a_spec_is_no_file_set)
{
	struct spec s = sample();
	struct err e;
	AUTO_CLOSE int fd = spec_memfd(&s, &e);

	assert_int_equal(spec_view_load(&view, fd, SPEC_SET_MAGIC), -1);
	spec_view_done(&view);
}

static const char *value_of(char **list, const char *name, int *ret_count)
{
	const char *found = NULL;

	*ret_count = 0;
	for (; *list; list++) {
		if (strncmp(*list, name, strlen(name)) == 0 && (*list)[strlen(name)] == '=') {
			found = *list + strlen(name) + 1;
			++*ret_count;
		}
	}
	return found;
}

TEST(the_later_of_two_variables_wins_and_none_comes_twice)
{
	char vars[] = "PATH=/x\0A=1\0AB=2\0A=3\0ODD";
	char **list = job_environment(NULL, vars, 5);
	int count;

	assert_string_equal(value_of(list, "PATH", &count), "/x");
	assert_int_equal(count, 1);
	assert_string_equal(value_of(list, "A", &count), "3");
	assert_int_equal(count, 1);
	assert_string_equal(value_of(list, "AB", &count), "2");
	assert_string_equal(value_of(list, "HOME", &count), "/box");
	list = job_environment(NULL, vars, 0);
	assert_null(value_of(list, "A", &count));
	assert_string_equal(value_of(list, "PATH", &count), "/usr/local/bin:/usr/bin:/bin");
}

UNIT_MAIN(T(what_was_written_is_what_is_read), T(a_spec_is_sealed_and_an_ordinary_memfd_is_not),
	  T(large_files_and_many_names_arrive_whole), T(only_relative_names_without_tricks_are_taken),
	  T(what_cannot_be_a_spec_is_refused_with_its_kind),
	  T(a_damaged_spec_is_refused_or_still_within_its_bounds), T(a_spec_is_no_file_set),
	  T(the_later_of_two_variables_wins_and_none_comes_twice))
