/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/unit.h"
#include "sandbox/inside.h"
#include "sandbox/spec_reader.h"

static struct spec_view set;

struct place {
	char path[64];
	int fd;
};

static void put(const struct place *p, const char *name, const char *text, mode_t mode)
{
	AUTO_CLOSE int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void place_open(struct place *p)
{
	snprintf(p->path, sizeof(p->path), "/tmp/collect-test-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->fd >= 0);
}

static void place_close(struct place *p, const char *const *names)
{
	for (; *names; names++) {
		if (unlinkat(p->fd, *names, 0) < 0)
			assert_int_equal(unlinkat(p->fd, *names, AT_REMOVEDIR), 0);
	}
	assert_int_equal(rmdir(p->path), 0);
	close(p->fd);
}

static int collect(const struct place *p, const char *const *patterns, int64_t max_bytes, uint32_t max_files,
		   struct err *e)
{
	struct spec s = { .argv = (const char *const[]){ "x", NULL },
			  .env = (const char *const[]){ NULL },
			  .collect = patterns };
	struct slot_collect want = { .max_bytes = max_bytes, .max_files = max_files };
	AUTO_CLOSE int spec = spec_memfd(&s, e);

	assert_true(spec >= 0);
	return collect_files(p->fd, spec, &want, e);
}

TEST(patterns_match_as_documented)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} rows[] = {
		{ "main", "main", true },    { "main", "main.c", false },
		{ "*.o", "a.o", true },	     { "*.o", "d/a.o", false },
		{ "d/*.o", "d/a.o", true },  { "**", "d/e/f", true },
		{ "d/**", "d/e/f", true },   { "d/**", "e/d/f", false },
		{ "?", "a", true },	     { "?", "/", false },
		{ "**.o", "d/e/a.o", true }, { "*a*b*", "xaxbx", true },
		{ "*a*b*", "xbxax", false }, { "[a]", "a", false },
		{ "[a]", "[a]", true },	     { "", "", true },
		{ "*", "", true },	     { "a*", "a", true },
	};
	char stars[SPEC_NAME_MAX + 1], path[SPEC_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(collect_matches(rows[i].pattern, rows[i].path), rows[i].matches);
	/* Where a backtracking matcher would never come back. */
	for (size_t i = 0; i < SPEC_NAME_MAX; i++)
		stars[i] = i % 2 ? '*' : 'a';
	memset(path, 'a', SPEC_NAME_MAX);
	stars[SPEC_NAME_MAX] = path[SPEC_NAME_MAX] = '\0';
	path[SPEC_NAME_MAX - 1] = 'b';
	assert_false(collect_matches(stars, path));
}

TEST(only_matching_regular_files_are_carried_out)
{
	static const char *const names[] = { "d/inner", "d/link",  "d",	       "fifo",	"plain",
					     "tool",	"outside", "dir-link", "other", NULL };
	struct place p;
	struct err e;
	int fd;

	place_open(&p);
	assert_int_equal(mkdirat(p.fd, "d", 0755), 0);
	put(&p, "d/inner", "inner", 0600);
	put(&p, "plain", "plain text", 0644);
	put(&p, "tool", "x", 0755);
	put(&p, "other", "not asked for", 0644);
	assert_int_equal(symlinkat("/etc/passwd", p.fd, "outside"), 0);
	assert_int_equal(symlinkat("/etc/passwd", p.fd, "d/link"), 0);
	assert_int_equal(symlinkat("/etc", p.fd, "dir-link"), 0);
	assert_int_equal(mkfifoat(p.fd, "fifo", 0644), 0);
	fd = collect(&p,
		     (const char *const[]){ "d/**", "plain", "tool", "outside", "fifo", "dir-link/passwd",
					    "missing", NULL },
		     1000, 10, &e);
	assert_true(fd >= 0);
	assert_true(spec_is_sealed(fd));
	assert_int_equal(spec_view_load(&set, fd, SPEC_SET_MAGIC), 0);
	assert_int_equal(set.head.n_files, 3);
	assert_int_equal(set.head.size - set.head.meta_len, 5 + 10 + 1);
	spec_view_done(&set);
	close(fd);
	place_close(&p, names);
}

TEST(caps_on_count_and_size_hold_for_sparse_files_too)
{
	static const char *const names[] = { "a", "b", "huge", NULL };
	static const char *const all[] = { "**", NULL };
	struct place p;
	struct err e;
	int fd;

	place_open(&p);
	put(&p, "a", "12345", 0644);
	put(&p, "b", "12345", 0644);
	fd = collect(&p, all, 10, 2, &e);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(collect(&p, all, 9, 2, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(collect(&p, all, 10, 1, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	put(&p, "huge", "", 0644);
	fd = openat(p.fd, "huge", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	assert_int_equal(collect(&p, all, 1 << 30, 100, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	place_close(&p, names);
}

TEST(a_deep_tree_is_walked_down_to_its_bound_only)
{
	enum { LEVELS = 100 };
	static const char *const none[] = { NULL };
	char path[3 * LEVELS + 16] = "";
	struct place p;
	struct err e;
	int fd;

	place_open(&p);
	for (int i = 0; i < LEVELS; i++) {
		strncat(path, i ? "/d" : "d", sizeof(path) - strlen(path) - 1);
		assert_int_equal(mkdirat(p.fd, path, 0755), 0);
	}
	put(&p, "d/d/near", "", 0644);
	strncat(path, "/far", sizeof(path) - strlen(path) - 1);
	put(&p, path, "", 0644);
	fd = collect(&p, (const char *const[]){ "**", NULL }, 1000, 10, &e);
	assert_true(fd >= 0);
	assert_int_equal(spec_view_load(&set, fd, SPEC_SET_MAGIC), 0);
	assert_int_equal(set.head.n_files, 1);
	assert_string_equal(set.names, "d/d/near");
	spec_view_done(&set);
	close(fd);
	assert_int_equal(unlinkat(p.fd, path, 0), 0);
	assert_int_equal(unlinkat(p.fd, "d/d/near", 0), 0);
	for (int i = 0; i < LEVELS; i++) {
		*strrchr(path, '/') = '\0';
		assert_int_equal(unlinkat(p.fd, path, AT_REMOVEDIR), 0);
	}
	place_close(&p, none);
}

UNIT_MAIN(T(patterns_match_as_documented), T(only_matching_regular_files_are_carried_out),
	  T(caps_on_count_and_size_hold_for_sparse_files_too),
	  T(a_deep_tree_is_walked_down_to_its_bound_only))
