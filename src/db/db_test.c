/* SPDX-License-Identifier: MIT */
#include "db/db.h"

#include <event2/event.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/unit.h"
#include "db/conn.h"
#include "db/fault_vfs.h"
#include "db/internal.h"

static const char *const migrations[] = {
	"CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT NOT NULL) STRICT",
	"ALTER TABLE t ADD COLUMN w INTEGER",
};

struct bench {
	char dir[64];
	struct event_base *base;
	struct db *db;
	int changes; /* calls of db_on_change */
};

static void on_change(void *arg)
{
	((struct bench *)arg)->changes++;
}

static struct db *try_open(struct bench *b, int n_migrations, struct err *e)
{
	struct db_options o = { .dir = b->dir, .migrations = migrations, .n_migrations = n_migrations };

	return db_open(b->base, &o, e);
}

static void bench_open(struct bench *b)
{
	struct err e = { 0 };

	b->db = try_open(b, 2, &e);
	if (!b->db)
		fail_msg("%s", e.msg);
	db_on_change(b->db, on_change, b);
	assert_int_equal(db_start(b->db, &e), 0);
}

static void bench_init(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	snprintf(b->dir, sizeof(b->dir), "/tmp/db-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	b->base = event_base_new();
	fault_vfs_install();
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void bench_done(struct bench *b)
{
	db_close(b->db);
	event_base_free(b->base);
	assert_int_equal(nftw(b->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static char *path_of(const struct bench *b, const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s", b->dir, name);
	return out;
}

struct insert {
	struct db_op op;
	int key;
	int done;
	int order; /* the how many-th done() it was */
	struct err err;
};

static int n_done;

static int insert_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	struct insert *i = container_of(op, struct insert, op);
	sqlite3_stmt *q = db_stmt(c, "INSERT INTO t (k, v) VALUES (?1, 'x')", e);

	if (!q)
		return -1;
	sqlite3_bind_int(q, 1, i->key);
	return db_run(c, q, NULL, e);
}

static void insert_done(struct db_op *op, const struct err *e)
{
	struct insert *i = container_of(op, struct insert, op);

	i->done++;
	i->order = ++n_done;
	i->err = e ? *e : (struct err){ 0 };
}

static void insert(struct bench *b, struct insert *i, int key, unsigned flags)
{
	memset(i, 0, sizeof(*i));
	i->op.run = insert_run;
	i->op.done = insert_done;
	i->op.flags = flags;
	i->key = key;
	db_write(b->db, &i->op);
}

struct count {
	struct db_op op;
	int done;
	int64_t n;
};

static int count_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	return db_number(c, "SELECT count(*) FROM t", &container_of(op, struct count, op)->n, e);
}

static void count_done(struct db_op *op, const struct err *e)
{
	assert_null(e);
	container_of(op, struct count, op)->done++;
}

#define WAIT_FOR(b, condition)                                     \
	do {                                                       \
		int64_t until_ = clock_mono_ms() + 60000;          \
		while (!(condition)) {                             \
			struct timeval tv_ = { .tv_usec = 20000 }; \
			assert_true(clock_mono_ms() < until_);     \
			event_base_loopexit((b)->base, &tv_);      \
			event_base_loop((b)->base, EVLOOP_ONCE);   \
		}                                                  \
	} while (0)

static int64_t rows(struct bench *b)
{
	struct count c = { .op = { .run = count_run, .done = count_done } };

	db_read(b->db, &c.op);
	WAIT_FOR(b, c.done);
	return c.n;
}

TEST(writes_are_done_in_order_and_seen_by_reads)
{
	enum { N = 500 };
	static struct insert i[N];
	struct bench b;

	bench_init(&b);
	bench_open(&b);
	n_done = 0;
	for (int k = 0; k < N; k++)
		insert(&b, &i[k], k, 0);
	WAIT_FOR(&b, i[N - 1].done);
	for (int k = 0; k < N; k++) {
		assert_int_equal(i[k].done, 1);
		assert_int_equal(i[k].order, k + 1);
		assert_int_equal(i[k].err.kind, ERR_NONE);
	}
	assert_int_equal(rows(&b), N);
	bench_done(&b);
}

/* What a submit does: it hands over a write, and what it has caused comes after it in the loop. */
struct submit {
	struct bench *b;
	struct insert write;
	struct event *first, *caused;
	bool had_left; /* when what it had caused came */
};

static void on_first(evutil_socket_t fd, short what, void *arg)
{
	struct submit *s = arg;

	(void)fd;
	(void)what;
	insert(s->b, &s->write, 1, 0);
	event_active(s->caused, 0, 0);
}

static void on_caused(evutil_socket_t fd, short what, void *arg)
{
	struct submit *s = arg;

	(void)fd;
	(void)what;
	s->had_left = list_is_empty(&s->b->db->leaving);
}

TEST(a_write_leaves_after_what_its_cause_goes_on_with)
{
	struct submit s = { 0 };
	struct bench b;

	bench_init(&b);
	bench_open(&b);
	s.b = &b;
	s.first = event_new(b.base, -1, 0, on_first, &s);
	s.caused = event_new(b.base, -1, 0, on_caused, &s);
	event_active(s.first, 0, 0);
	WAIT_FOR(&b, s.write.done);
	assert_false(s.had_left);
	assert_int_equal(s.write.err.kind, ERR_NONE);
	event_free(s.first);
	event_free(s.caused);
	bench_done(&b);
}

TEST(the_log_is_laid_out_and_does_not_grow_with_commits)
{
	static struct insert i[20];
	struct stat before, after;
	char path[128];
	struct bench b;

	bench_init(&b);
	bench_open(&b);
	assert_int_equal(stat(path_of(&b, "codecrusher.db-wal", path), &before), 0);
	assert_true(before.st_size >= DB_LOG_BYTES);
	assert_true(before.st_blocks * 512 >= DB_LOG_BYTES);
	for (int k = 0; k < 20; k++) {
		insert(&b, &i[k], k, 0);
		WAIT_FOR(&b, i[k].done);
	}
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	assert_int_equal(rows(&b), 20);
	bench_done(&b);
}

struct large {
	struct db_op op;
	_Atomic int *held; /* results that wait for their done() */
	int most;
	bool done;
};

static int large_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	struct large *l = container_of(op, struct large, op);

	(void)c;
	(void)e;
	l->most = ++*l->held;
	return 0;
}

static void large_done(struct db_op *op, const struct err *e)
{
	struct large *l = container_of(op, struct large, op);

	assert_null(e);
	--*l->held;
	l->done = true;
}

TEST(reads_do_not_pile_up_before_a_slow_loop)
{
	enum { N = 2000 };
	static struct large l[N];
	_Atomic int held = 0;
	struct bench b;

	bench_init(&b);
	bench_open(&b);
	for (int k = 0; k < N; k++) {
		l[k] = (struct large){ .op = { .run = large_run, .done = large_done }, .held = &held };
		db_read(b.db, &l[k].op);
	}
	WAIT_FOR(&b, l[N - 1].done);
	for (int k = 0; k < N; k++) {
		assert_true(l[k].done);
		assert_in_range(l[k].most, 1, DB_READ_AHEAD);
	}
	bench_done(&b);
}

TEST(one_that_fails_leaves_the_others_of_its_commit_alone)
{
	struct insert good, twin, last;
	struct bench b;

	bench_init(&b);
	bench_open(&b);
	insert(&b, &good, 1, 0);
	insert(&b, &twin, 1, 0);
	insert(&b, &last, 2, 0);
	WAIT_FOR(&b, last.done);
	assert_int_equal(good.err.kind, ERR_NONE);
	assert_int_equal(twin.err.kind, ERR_IO);
	assert_int_equal(last.err.kind, ERR_NONE);
	assert_int_equal(rows(&b), 2);
	assert_false(db_is_full(b.db));
	bench_done(&b);
}

TEST(a_group_fails_as_a_whole)
{
	struct insert first, a, twin, last;
	struct bench b;

	bench_init(&b);
	bench_open(&b);
	insert(&b, &first, 1, 0);
	db_group_begin(b.db);
	insert(&b, &a, 2, 0);
	insert(&b, &twin, 1, 0);
	db_group_end(b.db);
	insert(&b, &last, 3, 0);
	WAIT_FOR(&b, last.done);
	assert_int_equal(a.err.kind, ERR_IO);
	assert_int_equal(twin.err.kind, ERR_IO);
	assert_int_equal(last.err.kind, ERR_NONE);
	assert_int_equal(rows(&b), 2);
	bench_done(&b);
}

TEST(on_a_full_disk_held_writes_wait_and_others_fail)
{
	struct insert held, refused, held_too, after;
	struct err e = { 0 };
	struct bench b;

	bench_init(&b);
	bench_open(&b);
	atomic_store(&fault_full, 1);
	insert(&b, &held, 1, DB_HOLD);
	insert(&b, &refused, 2, 0);
	WAIT_FOR(&b, refused.done && b.changes == 1);
	assert_int_equal(refused.err.kind, ERR_DISK_FULL);
	assert_true(db_is_full(b.db));
	assert_int_equal(db_ready(b.db, &e), -1);
	assert_int_equal(e.kind, ERR_DISK_FULL);
	insert(&b, &held_too, 3, DB_HOLD);
	assert_int_equal(held.done, 0);
	atomic_store(&fault_full, 0);
	WAIT_FOR(&b, held.done && held_too.done && b.changes == 2);
	assert_int_equal(held.err.kind, ERR_NONE);
	assert_true(held.order < held_too.order);
	assert_false(db_is_full(b.db));
	insert(&b, &after, 2, 0);
	WAIT_FOR(&b, after.done);
	assert_int_equal(rows(&b), 3);
	bench_done(&b);
}

TEST(a_disk_that_has_room_again_is_noticed_with_nothing_held)
{
	struct insert refused;
	struct bench b;

	bench_init(&b);
	bench_open(&b);
	atomic_store(&fault_full, 1);
	insert(&b, &refused, 1, 0);
	WAIT_FOR(&b, refused.done && b.changes == 1);
	atomic_store(&fault_full, 0);
	WAIT_FOR(&b, b.changes == 2);
	assert_false(db_is_full(b.db));
	bench_done(&b);
}

TEST(closing_on_a_full_disk_tells_the_held_that_they_failed)
{
	struct insert held;
	struct bench b;
	char path[128];

	bench_init(&b);
	bench_open(&b);
	atomic_store(&fault_full, 1);
	insert(&b, &held, 1, DB_HOLD);
	db_close(b.db);
	atomic_store(&fault_full, 0);
	assert_int_equal(held.done, 1);
	assert_int_equal(held.err.kind, ERR_DISK_FULL);
	assert_int_not_equal(access(path_of(&b, "clean", path), F_OK), 0);
	bench_open(&b);
	assert_int_equal(rows(&b), 0);
	bench_done(&b);
}

TEST(the_files_are_for_us_alone)
{
	static const char *const names[] = { "codecrusher.db", "codecrusher.db-wal", "lock" };
	mode_t old = umask(0);
	struct insert i;
	struct stat st;
	struct bench b;
	char path[128];

	bench_init(&b);
	bench_open(&b);
	insert(&b, &i, 1, 0);
	WAIT_FOR(&b, i.done);
	for (size_t n = 0; n < 3; n++) {
		assert_int_equal(stat(path_of(&b, names[n], path), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	umask(old);
	bench_done(&b);
}

TEST(a_second_server_is_refused)
{
	struct err e = { 0 };
	struct bench b;

	bench_init(&b);
	bench_open(&b);
	assert_null(try_open(&b, 2, &e));
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_non_null(strstr(e.msg, "Another server"));
	bench_done(&b);
}

TEST(a_schema_from_the_future_is_refused_and_an_older_one_is_brought_up)
{
	struct err e = { 0 };
	struct bench b;

	bench_init(&b);
	b.db = try_open(&b, 1, &e);
	assert_non_null(b.db);
	db_close(b.db);
	bench_open(&b); /* to 2 */
	assert_int_equal(rows(&b), 0);
	db_close(b.db);
	b.db = try_open(&b, 1, &e);
	assert_null(b.db);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "newer version"));
	bench_done(&b);
}

static void fill_rows(struct bench *b, int n)
{
	struct insert *i = calloc((size_t)n, sizeof(*i));

	for (int k = 0; k < n; k++)
		insert(b, &i[k], k, 0);
	WAIT_FOR(b, i[n - 1].done);
	free(i);
}

/* Overwrites bytes in the middle of the file. */
static void damage(struct bench *b, off_t at)
{
	char path[128], junk[3000];
	int fd = open(path_of(b, "codecrusher.db", path), O_WRONLY);

	memset(junk, 0xa5, sizeof(junk));
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	close(fd);
}

TEST(a_damaged_file_is_refused_after_an_unclean_stop)
{
	struct err e = { 0 };
	struct bench b;
	char path[128];

	bench_init(&b);
	bench_open(&b);
	fill_rows(&b, 5000);
	db_close(b.db);
	assert_int_equal(unlink(path_of(&b, "clean", path)), 0);
	damage(&b, 5 * 4096);
	b.db = try_open(&b, 2, &e);
	assert_null(b.db);
	assert_int_equal(e.kind, ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "damaged"));
	assert_non_null(strstr(e.msg, "backup"));
	bench_done(&b);
}

TEST(a_file_that_is_no_database_is_refused)
{
	struct err e = { 0 };
	struct bench b;

	bench_init(&b);
	bench_open(&b);
	fill_rows(&b, 10);
	db_close(b.db);
	damage(&b, 0);
	b.db = try_open(&b, 2, &e);
	assert_null(b.db);
	assert_true(e.msg[0] != '\0');
	bench_done(&b);
}

TEST(a_missing_directory_gets_a_sentence)
{
	struct bench b = { .dir = "/nonexistent/for/sure" };
	struct err e = { 0 };

	b.base = event_base_new();
	assert_null(try_open(&b, 2, &e));
	assert_non_null(strstr(e.msg, "data directory /nonexistent/for/sure"));
	event_base_free(b.base);
}

UNIT_MAIN(T(writes_are_done_in_order_and_seen_by_reads), T(a_write_leaves_after_what_its_cause_goes_on_with),
	  T(the_log_is_laid_out_and_does_not_grow_with_commits), T(reads_do_not_pile_up_before_a_slow_loop),
	  T(one_that_fails_leaves_the_others_of_its_commit_alone), T(a_group_fails_as_a_whole),
	  T(on_a_full_disk_held_writes_wait_and_others_fail),
	  T(a_disk_that_has_room_again_is_noticed_with_nothing_held),
	  T(closing_on_a_full_disk_tells_the_held_that_they_failed), T(the_files_are_for_us_alone),
	  T(a_second_server_is_refused),
	  T(a_schema_from_the_future_is_refused_and_an_older_one_is_brought_up),
	  T(a_damaged_file_is_refused_after_an_unclean_stop), T(a_file_that_is_no_database_is_refused),
	  T(a_missing_directory_gets_a_sentence))
