/* SPDX-License-Identifier: MIT */
#include "cache/cache.h"

#include <event2/event.h>

#include "base/clock.h"
#include "cache/testing.h"

static struct lang language = { .name = (char[]){ "c" }, .version = (char[]){ "1" } };

struct scene {
	struct place place;
	struct event_base *base;
	struct cache *cache;
	int rootfs;
	bool shared;
};

/* One who asks, and what came of it. */
struct asker {
	struct scene *scene;
	struct cache_ticket *ticket;
	int answers;
	bool leads;
	bool found;
	int exit_code;
	int artifacts;
	char text[64];
};

/* The root file system is the test's own: one program, and a package database. */
static void write_file(struct scene *s, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", s->place.path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void open_cache(struct scene *s)
{
	char path[128];
	const struct cache_options options = {
		.path = path, .max_bytes = 1 << 20, .rootfs = s->rootfs, .shared = s->shared
	};
	struct err e = { 0 };

	snprintf(path, sizeof(path), "%s/cache", s->place.path);
	s->cache = cache_new(s->base, &options, &e);
	if (!s->cache)
		fail_msg("%s", e.msg);
}

static void begin(struct scene *s, bool shared)
{
	static const char *const dirs[] = { "bin", "usr", "usr/bin", "var", "var/lib", "var/lib/dpkg" };
	char path[128];

	*s = (struct scene){ .base = event_base_new(), .shared = shared };
	place_make(&s->place);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", s->place.path, dirs[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	write_file(s, "usr/bin/gcc", "a compiler");
	write_file(s, "var/lib/dpkg/status", "gcc 12");
	s->rootfs = open(s->place.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	open_cache(s);
}

static void end(struct scene *s)
{
	cache_stop(s->cache);
	cache_free(s->cache);
	close(s->rootfs);
	event_base_free(s->base);
	libevent_global_shutdown();
	place_remove(&s->place);
}

static void on_answer(const struct cache_entry *entry, void *arg)
{
	struct asker *a = arg;

	a->answers++;
	a->leads = !entry;
	a->found = entry;
	if (!entry)
		return;
	a->ticket = NULL;
	a->exit_code = entry->exit_code;
	a->artifacts = entry->artifacts_fd >= 0 ? fcntl(entry->artifacts_fd, F_DUPFD_CLOEXEC, 0) : -1;
	snprintf(a->text, sizeof(a->text), "%.*s", (int)entry->err.len,
		 entry->err.data ? entry->err.data : "");
}

static struct submission *code(const char *text)
{
	struct submission *s = submission_new();

	assert_non_null(s);
	s->files = calloc(1, sizeof(*s->files));
	s->n_files = 1;
	s->files[0].name = strdup("main.c");
	assert_true(bytes_set(&s->files[0].content, text, strlen(text)));
	return s;
}

static void ask_as(struct scene *s, struct asker *a, const char *tenant, const char *program,
		   const char *text)
{
	const char *const argv[] = { program, "main.c", NULL };
	const struct exec_spec spec = { .argv = argv };
	struct submission *submission = code(text);
	const struct cache_question q = { tenant, &language, &spec, submission };

	*a = (struct asker){ .scene = s, .artifacts = -1 };
	a->ticket = cache_ask(s->cache, &q, on_answer, a);
	assert_non_null(a->ticket);
	assert_int_equal(a->answers, 0); /* never inside */
	submission_unref(submission);
}

static void ask(struct scene *s, struct asker *a, const char *text)
{
	ask_as(s, a, "", "gcc", text);
}

/* Until it has been answered so often. */
static void settle_down(struct scene *s, const struct asker *a, int answers)
{
	while (a->answers < answers)
		assert_true(event_base_loop(s->base, EVLOOP_ONCE) == 0);
}

static void done(struct asker *a)
{
	if (a->artifacts >= 0)
		close(a->artifacts);
	a->artifacts = -1;
}

/* What a compile makes, handed in by its leader. */
static void settle(struct asker *a, struct cache_entry entry)
{
	assert_true(a->leads);
	cache_settle(TAKE(a->ticket), &entry);
	cache_entry_done(&entry);
}

TEST(the_second_who_asks_gets_what_the_first_compiled)
{
	struct scene s;
	struct asker a, b;
	struct cache_counts counts;

	begin(&s, false);
	ask(&s, &a, "int main;");
	settle_down(&s, &a, 1);
	settle(&a, an_artefact("program"));
	ask(&s, &b, "int main;");
	settle_down(&s, &b, 1);
	assert_true(b.found && b.artifacts >= 0);
	assert_string_equal(b.text, "a warning");
	ask(&s, &a, "int other;");
	settle_down(&s, &a, 1);
	assert_true(a.leads);
	cache_leave(TAKE(a.ticket));
	cache_count(s.cache, &counts);
	assert_int_equal(counts.hits, 1);
	assert_int_equal(counts.misses, 2);
	done(&b);
	end(&s);
}

TEST(a_hit_survives_a_restart)
{
	struct scene s;
	struct asker a;
	struct cache_counts counts;

	begin(&s, false);
	ask(&s, &a, "int main;");
	settle_down(&s, &a, 1);
	settle(&a, an_artefact("program"));
	for (cache_count(s.cache, &counts); counts.bytes == 0; cache_count(s.cache, &counts))
		assert_true(event_base_loop(s.base, EVLOOP_ONCE) == 0);
	cache_stop(s.cache);
	cache_free(s.cache);
	open_cache(&s);
	ask(&s, &a, "int main;");
	settle_down(&s, &a, 1);
	assert_true(a.found && a.artifacts >= 0);
	done(&a);
	end(&s);
}

TEST(a_refusal_is_kept_with_what_was_printed)
{
	struct scene s;
	struct asker a, b;
	struct cache_counts counts;

	begin(&s, false);
	ask(&s, &a, "int main");
	settle_down(&s, &a, 1);
	settle(&a, a_refusal("expected ';'", clock_wall_ms()));
	ask(&s, &b, "int main");
	settle_down(&s, &b, 1);
	assert_true(b.found && b.artifacts < 0);
	assert_int_equal(b.exit_code, 1);
	assert_string_equal(b.text, "expected ';'");
	cache_count(s.cache, &counts);
	assert_int_equal(counts.refusals, 1);
	assert_int_equal(counts.hits, 0);
	end(&s);
}

/* Until `n` of those who asked wait for somebody who leads. */
static void wait_for_waiting(struct scene *s, int n)
{
	struct cache_counts counts;

	for (cache_count(s->cache, &counts); counts.waiting < n; cache_count(s->cache, &counts))
		assert_true(event_base_loop(s->base, EVLOOP_ONCE) == 0);
}

/* `a` leads, `b` waits for it. */
static void ask_twice(struct scene *s, struct asker *a, struct asker *b)
{
	ask(s, a, "int main;");
	settle_down(s, a, 1);
	ask(s, b, "int main;");
	wait_for_waiting(s, 1);
}

TEST(of_two_at_once_one_compiles_and_both_have_it)
{
	struct scene s;
	struct asker a, b;

	begin(&s, false);
	ask_twice(&s, &a, &b);
	assert_int_equal(b.answers, 0);
	settle(&a, an_artefact("program"));
	settle_down(&s, &b, 1);
	assert_true(b.found && b.artifacts >= 0);
	done(&b);
	end(&s);
}

TEST(a_leader_that_leaves_hands_over)
{
	struct scene s;
	struct asker a, b, c;

	begin(&s, false);
	ask_twice(&s, &a, &b);
	ask(&s, &c, "int main;");
	wait_for_waiting(&s, 2);
	cache_leave(TAKE(a.ticket));
	settle_down(&s, &b, 1);
	assert_true(b.leads);
	settle(&b, an_artefact("program"));
	settle_down(&s, &c, 1);
	assert_true(c.found);
	done(&c);
	end(&s);
}

TEST(who_leaves_while_it_waits_or_asks_hears_nothing)
{
	struct scene s;
	struct asker a, b, c;

	begin(&s, false);
	ask_twice(&s, &a, &b);
	ask(&s, &c, "int main;");
	cache_leave(TAKE(b.ticket));
	cache_leave(TAKE(c.ticket));
	settle(&a, an_artefact("program"));
	ask(&s, &a, "int main;");
	settle_down(&s, &a, 1);
	assert_true(a.found);
	assert_int_equal(b.answers + c.answers, 0);
	done(&a);
	end(&s);
}

static bool is_shared_between(struct scene *s, const char *one, const char *two)
{
	struct asker a, b;
	bool found;

	ask_as(s, &a, one, "gcc", "int main;");
	settle_down(s, &a, 1);
	settle(&a, an_artefact("program"));
	ask_as(s, &b, two, "gcc", "int main;");
	settle_down(s, &b, 1);
	found = b.found;
	cache_leave(TAKE(b.ticket));
	done(&b);
	return found;
}

TEST(tenants_do_not_meet_each_other_s_programs)
{
	struct scene s;

	begin(&s, false);
	assert_false(is_shared_between(&s, "alice", "bob"));
	end(&s);
}

TEST(tenants_share_where_the_operator_says_so)
{
	struct scene s;

	begin(&s, true);
	assert_true(is_shared_between(&s, "alice", "bob"));
	end(&s);
}

/* With a program compiled; then the toolchain changes. */
static bool found_after(void (*change)(struct scene *s))
{
	struct scene s;
	struct asker a;
	bool found;

	begin(&s, false);
	ask(&s, &a, "int main;");
	settle_down(&s, &a, 1);
	settle(&a, an_artefact("program"));
	change(&s);
	ask(&s, &a, "int main;");
	settle_down(&s, &a, 1);
	found = a.found;
	cache_leave(TAKE(a.ticket));
	done(&a);
	end(&s);
	return found;
}

static void change_nothing(struct scene *s)
{
	(void)s;
}

static void upgrade_compiler(struct scene *s)
{
	write_file(s, "usr/bin/gcc.new", "a newer one");
	assert_int_equal(renameat(s->rootfs, "usr/bin/gcc.new", s->rootfs, "usr/bin/gcc"), 0);
}

static void install_package(struct scene *s)
{
	write_file(s, "var/lib/dpkg/status", "gcc 12, libc6-dev 3");
}

static void put_another_first(struct scene *s)
{
	assert_int_equal(mkdirat(s->rootfs, "usr/local", 0755), 0);
	assert_int_equal(mkdirat(s->rootfs, "usr/local/bin", 0755), 0);
	write_file(s, "usr/local/bin/gcc", "somebody's");
}

TEST(an_upgrade_under_a_running_server_counts_at_once)
{
	assert_true(found_after(change_nothing));
	assert_false(found_after(upgrade_compiler));
	assert_false(found_after(install_package));
	assert_false(found_after(put_another_first));
}

TEST(a_compiler_that_is_not_there_is_nobody_s_flight)
{
	struct scene s;
	struct asker a, b;

	begin(&s, false);
	ask_as(&s, &a, "", "tcc", "int main;");
	ask_as(&s, &b, "", "tcc", "int main;");
	settle_down(&s, &a, 1);
	settle_down(&s, &b, 1);
	assert_true(a.leads && b.leads);
	settle(&a, an_artefact("program"));
	cache_leave(TAKE(b.ticket));
	ask_as(&s, &a, "", "tcc", "int main;");
	settle_down(&s, &a, 1);
	assert_true(a.leads);
	cache_leave(TAKE(a.ticket));
	end(&s);
}

TEST(a_root_file_system_s_links_stay_inside_it)
{
	struct scene s;
	struct asker a;

	begin(&s, false);
	/* The host has /etc/passwd; this root does not. */
	assert_int_equal(symlinkat("/etc/passwd", s.rootfs, "usr/bin/outside"), 0);
	ask_as(&s, &a, "", "outside", "int main;");
	settle_down(&s, &a, 1);
	settle(&a, an_artefact("program"));
	ask_as(&s, &a, "", "outside", "int main;");
	settle_down(&s, &a, 1);
	assert_true(a.leads);
	cache_leave(TAKE(a.ticket));
	end(&s);
}

UNIT_MAIN(T(the_second_who_asks_gets_what_the_first_compiled), T(a_hit_survives_a_restart),
	  T(a_refusal_is_kept_with_what_was_printed), T(of_two_at_once_one_compiles_and_both_have_it),
	  T(a_leader_that_leaves_hands_over), T(who_leaves_while_it_waits_or_asks_hears_nothing),
	  T(tenants_do_not_meet_each_other_s_programs), T(tenants_share_where_the_operator_says_so),
	  T(an_upgrade_under_a_running_server_counts_at_once),
	  T(a_compiler_that_is_not_there_is_nobody_s_flight), T(a_root_file_system_s_links_stay_inside_it))
