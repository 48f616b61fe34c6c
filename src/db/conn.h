/* SPDX-License-Identifier: MIT */
/*
 * One SQLite connection with its prepared statements: what an operation's run() works with. A connection is
 * used by one thread at a time.
 *
 *	sqlite3_stmt *q = db_stmt(c, "SELECT …", e);
 *	if (!q)
 *		return -1;
 *	sqlite3_bind_int64(q, 1, …);
 *	while ((more = db_next(c, q, e)) > 0)
 *		… sqlite3_column_int64(q, 0) …
 *	return more;
 */
#ifndef DB_CONN_H
#define DB_CONN_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct db_conn;

struct db_conn *db_conn_open(const char *path, bool writes, struct err *e);
void db_conn_close(struct db_conn *c); /* NULL is fine */

/* The statement, prepared once a connection, without bindings. `literal` is a string literal: it is known by
 * its address. */
sqlite3_stmt *db_stmt(struct db_conn *c, const char *literal, struct err *e);

/* One step: 1 there is a row, 0 there is none (any more), -1. After 0 and -1 the statement is reset. */
int db_next(struct db_conn *c, sqlite3_stmt *q, struct err *e);
/* Runs a statement that returns no rows. *ret_changes (or NULL) gets the number of rows it changed. */
int db_run(struct db_conn *c, sqlite3_stmt *q, int *ret_changes, struct err *e);
/* Ends a statement whose remaining rows nobody wants. */
void db_end(sqlite3_stmt *q);

/* Runs a script. */
int db_script(struct db_conn *c, const char *sql, struct err *e);

/* A query with one integer as its answer; 0 when it has no row. */
int db_number(struct db_conn *c, const char *literal, int64_t *ret_value, struct err *e);

/* Whether the last error concerns the file and not one statement: the transaction is to be given up. Asking
 * forgets it. */
bool db_conn_take_trouble(struct db_conn *c);

bool db_conn_in_transaction(struct db_conn *c);

/* Gives the file the space that all pages of the open transaction will need in it, so that moving the WAL
 * never fails for want of space: on a full disk it is the one way to get room for deletes. ERR_DISK_FULL. */
int db_conn_reserve(struct db_conn *c, struct err *e);

/*
 * Writes zeros to the end of the WAL as far as it usually gets before it is moved, so that a commit
 * overwrites what is there: where a commit makes the file longer, its sync is one of the file system's
 * journal as well, and takes twice the time. SQLite looks at no frame whose salt is not the header's
 * (fileformat2.html, 4.4), as it has to after it has begun anew in a file that is longer. Best effort: what
 * is missing is slower.
 */
#define DB_WAL_PAGES_IDLE 1000 /* moved when there are so many and nothing else is to do */
#define DB_LOG_BYTES	  ((int64_t)(DB_WAL_PAGES_IDLE + 100) * (4096 + 24))
void db_conn_lay_out_log(struct db_conn *c);

/* Moves what it can from the WAL into the database. Errors show at the next commit. */
void db_conn_checkpoint(struct db_conn *c);
/* Pages in the WAL since it was last moved. */
int db_conn_wal_pages(const struct db_conn *c);

/* Brings the schema from what the file has to `n`. */
int db_conn_migrate(struct db_conn *c, const char *path, const char *const *migrations, int n, struct err *e);
/* Reads the file through and compares. `quick` skips the indexes. */
int db_conn_check(struct db_conn *c, const char *path, bool quick, struct err *e);

#endif
