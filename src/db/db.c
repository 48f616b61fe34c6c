/* SPDX-License-Identifier: MIT */
#include "db/db.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "db/internal.h"

#define DB_FILE	   "codecrusher.db"
#define LOCK_FILE  "lock"
#define CLEAN_FILE "clean" /* there while no server runs and the last one ended well */

/* A file above this is checked without its indexes. */
#define FULL_CHECK_BYTES (INT64_C(1) << 30)
#define SQLITE_LEAST	 3037000 /* STRICT tables */

DEFINE_AUTO(struct db, db_close)

void *db_op_new(size_t size)
{
	void *op = calloc(1, size);

	if (!op)
		abort();
	return op;
}

/* ---- between the threads ---- */

void db_post(struct db *db, struct list *ops)
{
	bool was_empty;
	uint64_t one = 1;

	pthread_mutex_lock(&db->lock);
	was_empty = list_is_empty(&db->outbox);
	list_move_all(ops, &db->outbox);
	pthread_mutex_unlock(&db->lock);
	/* Also for nothing: a probe that worked has to be told. */
	if (was_empty)
		(void)!write(db->wake_fd, &one, sizeof(one)); /* cannot fail: the count is far from its end */
}

static void tell_change(struct db *db)
{
	bool full = atomic_load(&db->full);

	if (full == db->told_full)
		return;
	db->told_full = full;
	if (db->change)
		db->change(db->change_arg);
}

/* Calls every done() there is. Returns whether there was one. */
static bool run_dones(struct db *db)
{
	struct list ready;
	struct db_op *op;

	list_init(&ready);
	pthread_mutex_lock(&db->lock);
	list_move_all(&db->outbox, &ready);
	pthread_mutex_unlock(&db->lock);
	if (list_is_empty(&ready))
		return false;
	while ((op = list_first(&ready, struct db_op, node))) {
		struct err e = op->err;
		bool ahead = op->ahead;

		list_remove(&op->node);
		op->done(op, e.kind == ERR_NONE ? NULL : &e);
		if (ahead)
			db_thread_caught_up(&db->reader);
	}
	return true;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	uint64_t count;

	(void)what;
	(void)!read(fd, &count, sizeof(count));
	(void)run_dones(arg);
	tell_change(arg);
}

static void refuse(struct db *db, struct list *ops)
{
	for (struct list *n = ops->next; n != ops; n = n->next)
		err_set(&container_of(n, struct db_op, node)->err, ERR_BUSY, 0,
			"The server is shutting down.");
	db_post(db, ops);
}

/*
 * A thread that is woken takes a CPU, and often the one that woke it. So writes leave only when what caused
 * them has gone on: a submit's program is started first, and its commit is on the way meanwhile. It is a
 * matter of a few calls, not of time: the event goes to the end of the loop's queue of active events so
 * often.
 */
#define ROUNDS 2

static void let_go(struct db *db)
{
	if (!list_is_empty(&db->leaving))
		db_thread_hand(&db->writer, &db->leaving);
}

static void on_round(evutil_socket_t fd, short what, void *arg)
{
	struct db *db = arg;

	(void)fd;
	(void)what;
	if (--db->rounds > 0)
		event_active(db->round_event, 0, 0);
	else
		let_go(db);
}

static void hand_over_group(struct db *db)
{
	if (list_is_empty(&db->group))
		return;
	if (db->closing) {
		refuse(db, &db->group);
		return;
	}
	if (list_is_empty(&db->leaving)) {
		db->rounds = ROUNDS;
		event_active(db->round_event, 0, 0);
	}
	list_move_all(&db->group, &db->leaving);
}

void db_write(struct db *db, struct db_op *op)
{
	op->more = op->ahead = false;
	op->err.kind = ERR_NONE;
	list_push_back(&db->group, &op->node);
	if (db->group_depth == 0)
		hand_over_group(db);
}

void db_read(struct db *db, struct db_op *op)
{
	op->more = op->ahead = false;
	op->err.kind = ERR_NONE;
	list_push_back(&db->reading, &op->node);
	if (db->closing)
		refuse(db, &db->reading);
	else
		db_thread_hand(&db->reader, &db->reading);
}

void db_group_begin(struct db *db)
{
	db->group_depth++;
}

void db_group_end(struct db *db)
{
	assert(db->group_depth > 0);
	if (--db->group_depth > 0)
		return;
	for (struct list *n = db->group.next; n != &db->group; n = n->next) {
		const struct db_op *first = container_of(db->group.next, struct db_op, node);
		struct db_op *op = container_of(n, struct db_op, node);

		op->more = n->next != &db->group;
		assert(op->flags == first->flags);
	}
	hand_over_group(db);
}

bool db_is_full(const struct db *db)
{
	return atomic_load(&db->full);
}

int db_ready(struct db *db, struct err *e)
{
	if (!db_is_full(db))
		return 0;
	pthread_mutex_lock(&db->lock);
	*e = db->trouble;
	pthread_mutex_unlock(&db->lock);
	return -1;
}

void db_on_change(struct db *db, void (*fn)(void *arg), void *arg)
{
	db->change = fn;
	db->change_arg = arg;
}

/* ---- opening and closing ---- */

static int open_dir(struct db *db, struct err *e)
{
	db->dir_fd = open(db->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (db->dir_fd < 0)
		return err_set(e, ERR_IO, errno, "The data directory %s cannot be opened", db->dir);
	db->lock_fd = openat(db->dir_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (db->lock_fd < 0)
		return err_set(e, ERR_IO, errno, "The data directory %s cannot be written to", db->dir);
	if (flock(db->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? err_set(e, ERR_CONFLICT, 0,
						      "Another server uses the data directory %s. Stop it, "
						      "or give this one a "
						      "directory of its own.",
						      db->dir)
					    : err_set(e, ERR_IO, errno, "lock %s/" LOCK_FILE, db->dir);
	return 0;
}

/* Creates the file by ourselves: SQLite would use the umask, and gives the WAL the same mode. */
static int open_file(struct db *db, struct stat *ret_stat, struct err *e)
{
	AUTO_CLOSE int fd = openat(db->dir_fd, DB_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || fstat(fd, ret_stat) < 0)
		return err_set(e, ERR_IO, errno, "open %s/" DB_FILE, db->dir);
	return 0;
}

static int check_library(struct err *e)
{
	if (!sqlite3_threadsafe())
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "This SQLite library was built without threads. Install another.");
	if (sqlite3_libversion_number() < SQLITE_LEAST)
		return err_set(e, ERR_UNSUPPORTED, 0, "SQLite %s is too old. Install 3.37 or a later one.",
			       sqlite3_libversion());
	return 0;
}

static int open_connections(struct db *db, const struct db_options *options, struct err *e)
{
	bool clean = faccessat(db->dir_fd, CLEAN_FILE, F_OK, 0) == 0;
	AUTO_FREE char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/" DB_FILE, db->dir) < 0)
		return err_set(e, ERR_IO, ENOMEM, "open the database");
	if (open_file(db, &st, e) < 0)
		return -1;
	db->writer.conn = db_conn_open(path, true, e);
	if (!db->writer.conn)
		return -1;
	if (st.st_size > 0 && !clean &&
	    db_conn_check(db->writer.conn, path, st.st_size > FULL_CHECK_BYTES, e) < 0)
		return -1;
	if (db_conn_migrate(db->writer.conn, path, options->migrations, options->n_migrations, e) < 0)
		return -1;
	db_conn_lay_out_log(db->writer.conn);
	db->reader.conn = db_conn_open(path, false, e);
	return db->reader.conn ? 0 : -1;
}

static void init_thread(struct db *db, struct db_thread *t)
{
	pthread_condattr_t attr;

	t->db = db;
	list_init(&t->inbox);
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_condattr_destroy(&attr);
}

static int watch_outbox(struct db *db, struct err *e)
{
	db->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (db->wake_fd < 0)
		return err_set(e, ERR_IO, errno, "eventfd");
	db->wake_event = event_new(db->base, db->wake_fd, EV_READ | EV_PERSIST, on_wake, db);
	db->round_event = event_new(db->base, -1, 0, on_round, db);
	if (!db->wake_event || !db->round_event || event_add(db->wake_event, NULL) < 0)
		return err_set(e, ERR_IO, ENOMEM, "watch the database");
	return 0;
}

struct db *db_open(struct event_base *base, const struct db_options *options, struct err *e)
{
	AUTO(db_close_p) struct db *db = calloc(1, sizeof(*db));

	if (!db) {
		err_set(e, ERR_IO, ENOMEM, "open the database");
		return NULL;
	}
	db->base = base;
	db->dir_fd = db->lock_fd = db->wake_fd = -1;
	list_init(&db->group);
	list_init(&db->leaving);
	list_init(&db->reading);
	list_init(&db->outbox);
	pthread_mutex_init(&db->lock, NULL);
	init_thread(db, &db->writer);
	init_thread(db, &db->reader);
	db->dir = strdup(options->dir);
	if (!db->dir) {
		err_set(e, ERR_IO, ENOMEM, "open the database");
		return NULL;
	}
	if (check_library(e) < 0 || open_dir(db, e) < 0 || open_connections(db, options, e) < 0 ||
	    watch_outbox(db, e) < 0)
		return NULL;
	return TAKE(db);
}

struct db_conn *db_startup(struct db *db)
{
	assert(!db->writer.started);
	return db->writer.conn;
}

int db_start(struct db *db, struct err *e)
{
	/* From here on the file changes: gone before the first change, or a crash would go unnoticed. */
	if (unlinkat(db->dir_fd, CLEAN_FILE, 0) < 0 && errno != ENOENT)
		return err_set(e, ERR_IO, errno, "remove %s/" CLEAN_FILE, db->dir);
	if (fsync(db->dir_fd) < 0)
		return err_set(e, ERR_IO, errno, "sync %s", db->dir);
	if (db_thread_start(&db->writer, db_writer_body, e) < 0)
		return -1;
	return db_thread_start(&db->reader, db_reader_body, e);
}

static void mark_clean(struct db *db)
{
	AUTO_CLOSE int fd = openat(db->dir_fd, CLEAN_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* A marker that is missing costs a check at the next start, nothing else. */
	if (fd >= 0)
		(void)fsync(db->dir_fd);
}

static void release(struct db *db)
{
	if (db->round_event)
		event_free(db->round_event);
	if (db->wake_event)
		event_free(db->wake_event);
	if (db->wake_fd >= 0)
		close(db->wake_fd);
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	if (db->dir_fd >= 0)
		close(db->dir_fd);
	pthread_cond_destroy(&db->reader.wake);
	pthread_cond_destroy(&db->writer.wake);
	pthread_mutex_destroy(&db->reader.lock);
	pthread_mutex_destroy(&db->writer.lock);
	pthread_mutex_destroy(&db->lock);
	free(db->dir);
	free(db);
}

bool db_stop(struct db *db)
{
	if (!db->closing) {
		let_go(db);
		db->closing = true;
		db->ran = db->writer.started;
		db_thread_stop(&db->reader);
		db_thread_stop(&db->writer);
	}
	return run_dones(db);
}

void db_close(struct db *db)
{
	if (!db)
		return;
	while (db_stop(db))
		;
	db_conn_close(db->reader.conn);
	/* Last: it moves the WAL into the database, which only one connection may do. */
	db_conn_close(db->writer.conn);
	if (db->ran && !db_is_full(db))
		mark_clean(db);
	release(db);
}
