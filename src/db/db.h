/* SPDX-License-Identifier: MIT */
/*
 * The one SQLite database: one thread writes, one reads, and the event loop waits for neither.
 *
 * An operation is an object with two functions: run() is called on the database's thread, done() on the event
 * loop's after the commit. All writes that have arrived while the last commit was on its way to the disk go
 * into the next one (group commit; WAL, synchronous=FULL), so a sync is shared by everyone who waits for it.
 * Writes take effect in the order in which they were handed over, and their done() is called in that order;
 * one that is held back by a full disk comes later than those after it which failed.
 *
 * The writing connection also does every checkpoint. SQLite before 3.51.3 can damage a WAL when two
 * connections write or checkpoint at the same moment (https://sqlite.org/wal.html, "the WAL-reset bug").
 *
 * All functions are for the event loop's thread.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"

struct event_base;
struct db;
struct db_conn;
struct db_op;

/* On the database's thread: touches nothing but the operation and the connection (db/conn.h). May be called
 * again after a batch was rolled back, so it sets all its outputs each time. Returns 0, or -1 with `e`. */
typedef int db_run_fn(struct db_conn *c, struct db_op *op, struct err *e);
/* On the loop's thread: `e` is NULL when the operation is durable (a read: has run). The operation belongs to
 * the callee again. */
typedef void db_done_fn(struct db_op *op, const struct err *e);

enum db_op_flags {
	/* When the disk is full (or fails), kept and tried again until it is durable. Others fail at once. */
	DB_HOLD = 1,
	/* Makes room, so it is tried alone when its batch did not fit. */
	DB_FREES = 2,
};

/* Embedded first in the caller's own struct, zeroed but for these. */
struct db_op {
	db_run_fn *run;
	db_done_fn *done;
	unsigned flags;
	/* the database's own */
	struct list node;
	bool more;  /* the next one is of the same group */
	bool ahead; /* a read that has run and is counted in the reader's `ahead` */
	struct err err;
};

struct db_options {
	const char *dir; /* exists; only we write there */
	/* SQL scripts; the n-th brings schema n-1 to n. Those that were ever released never change. */
	const char *const *migrations;
	int n_migrations;
};

/*
 * Opens (or creates) dir/codecrusher.db, dir/lock held. Refuses with a sentence: a directory that another
 * server uses, a schema from the future, a file that is damaged (checked after an unclean stop only: the
 * whole of it up to 1 GiB, above that without comparing indexes with their tables, which is many times
 * faster). Blocks.
 */
struct db *db_open(struct event_base *base, const struct db_options *options, struct err *e);

/* The writing connection, for work at start-up; until db_start. */
struct db_conn *db_startup(struct db *db);

/* Starts the threads. -1: nothing is running, close it. */
int db_start(struct db *db, struct err *e);

/* Runs everything handed over, stops the threads and calls every done(). What is handed over from now on
 * fails, and so does what does not fit on a full disk even now. To be called again until it returns false:
 * then no done() was left. */
bool db_stop(struct db *db);
/* Stops and closes. NULL is fine. */
void db_close(struct db *db);

/* Zeroed memory for an operation; aborts when there is none: a result that is silently forgotten is worse
 * than a crash, which is recovered from. */
void *db_op_new(size_t size);

void db_write(struct db *db, struct db_op *op);
/* What reads bring may be large, and the loop slower than the disk: only so many wait for their done(). */
#define DB_READ_AHEAD 2
void db_read(struct db *db, struct db_op *op);

/* Writes handed over between the two take effect together or fail together. May be nested; all of a group
 * have the same flags. */
void db_group_begin(struct db *db);
void db_group_end(struct db *db);

/* Whether the last commit failed for want of space (or because the disk fails) and the next try is still to
 * come. */
bool db_is_full(const struct db *db);
/* 0, or -1 with what the disk said. */
int db_ready(struct db *db, struct err *e);
/* `fn` is called when the answer of db_is_full may have changed. */
void db_on_change(struct db *db, void (*fn)(void *arg), void *arg);

#endif
