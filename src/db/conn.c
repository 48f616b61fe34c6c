/* SPDX-License-Identifier: MIT */
#include "db/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define STATEMENTS_MAX 64
/* The file grows in steps of this. */
#define CHUNK_BYTES (1 << 20)

struct db_conn {
	sqlite3 *sql;
	bool trouble;
	int wal_pages;
	int64_t page_size; /* 0: not asked for yet */
	int64_t reserved;  /* bytes */
	int n_statements;
	struct {
		const char *literal;
		sqlite3_stmt *prepared;
	} statements[STATEMENTS_MAX];
};

/* Errors of one statement. All others say something about the file or the machine. */
static bool is_of_statement(int code)
{
	switch (code & 0xff) {
	case SQLITE_ERROR:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_TOOBIG:
	case SQLITE_SCHEMA:
		return true;
	default:
		return false;
	}
}

static bool is_about_space(int code, int sys)
{
	return (code & 0xff) == SQLITE_FULL ||
	       ((code & 0xff) == SQLITE_IOERR && (sys == ENOSPC || sys == EDQUOT || sys == EFBIG));
}

static int say_full(struct err *e)
{
	return err_set(
		e, ERR_DISK_FULL, 0,
		"The disk with the data directory is full. Free some space; nothing accepted is lost.");
}

static int fail(struct db_conn *c, struct err *e)
{
	int code = sqlite3_extended_errcode(c->sql);
	int sys = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN
			  ? sqlite3_system_errno(c->sql)
			  : 0;

	if (!is_of_statement(code))
		c->trouble = true;
	if (is_about_space(code, sys))
		return say_full(e);
	if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
		return err_set(e, ERR_CORRUPT, 0,
			       "The database is damaged (%s). Stop the server and restore it from a backup.",
			       sqlite3_errmsg(c->sql));
	return err_set(e, ERR_IO, sys, "The database failed (%s, code %d)", sqlite3_errmsg(c->sql), code);
}

static int count_wal(void *arg, sqlite3 *sql, const char *name, int pages)
{
	struct db_conn *c = arg;

	(void)sql;
	(void)name;
	c->wal_pages = pages;
	return SQLITE_OK;
}

static int set_journal(struct db_conn *c, const char *path, struct err *e)
{
	sqlite3_stmt *q = db_stmt(c, "PRAGMA journal_mode = WAL", e);
	bool wal;

	if (!q || db_next(c, q, e) < 0)
		return -1;
	wal = strcmp((const char *)sqlite3_column_text(q, 0), "wal") == 0;
	db_end(q);
	if (!wal)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"The file system of %s cannot hold SQLite's write-ahead log. Is it a network file "
			"system? Use a local directory.",
			path);
	return 0;
}

static int configure(struct db_conn *c, const char *path, bool writes, struct err *e)
{
	sqlite3_busy_timeout(c->sql, 5000);
	sqlite3_db_config(c->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (!writes)
		return db_script(c, "PRAGMA query_only = 1; PRAGMA cache_size = -1024; PRAGMA mmap_size = 0;",
				 e);
	if (set_journal(c, path, e) < 0)
		return -1;
	sqlite3_wal_hook(c->sql, count_wal, c);
	(void)sqlite3_file_control(c->sql, "main", SQLITE_FCNTL_CHUNK_SIZE, &(int){ CHUNK_BYTES });
	/* Distributions build SQLite with secure_delete on, which rewrites whole freed pages; FAST still
	 * wipes what is being written anyway. */
	return db_script(c,
			 "PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST; PRAGMA cache_size = -8192;"
			 "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = 0;"
			 "PRAGMA journal_size_limit = 67108864;",
			 e);
}

struct db_conn *db_conn_open(const char *path, bool writes, struct err *e)
{
	int flags = SQLITE_OPEN_NOMUTEX | (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	struct db_conn *c = calloc(1, sizeof(*c));

	if (!c || sqlite3_open_v2(path, &c->sql, flags, NULL) != SQLITE_OK) {
		err_set(e, ERR_IO, 0, "The database %s cannot be opened (%s)", path,
			c && c->sql ? sqlite3_errmsg(c->sql) : "out of memory");
		db_conn_close(c);
		return NULL;
	}
	sqlite3_extended_result_codes(c->sql, 1);
	if (configure(c, path, writes, e) < 0) {
		err_wrap(e, "%s", path);
		db_conn_close(c);
		return NULL;
	}
	return c;
}

void db_conn_close(struct db_conn *c)
{
	if (!c)
		return;
	for (int i = 0; i < c->n_statements; i++)
		sqlite3_finalize(c->statements[i].prepared);
	(void)sqlite3_close(c->sql); /* also moves the WAL, best effort: what is in it is durable as it is */
	free(c);
}

sqlite3_stmt *db_stmt(struct db_conn *c, const char *literal, struct err *e)
{
	sqlite3_stmt *q = NULL;

	for (int i = 0; i < c->n_statements; i++)
		if (c->statements[i].literal == literal) {
			q = c->statements[i].prepared;
			sqlite3_clear_bindings(q);
			return q;
		}
	assert(c->n_statements < STATEMENTS_MAX);
	if (sqlite3_prepare_v3(c->sql, literal, -1, SQLITE_PREPARE_PERSISTENT, &q, NULL) != SQLITE_OK) {
		fail(c, e);
		return NULL;
	}
	c->statements[c->n_statements].literal = literal;
	c->statements[c->n_statements++].prepared = q;
	return q;
}

int db_next(struct db_conn *c, sqlite3_stmt *q, struct err *e)
{
	switch (sqlite3_step(q)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		(void)sqlite3_reset(q);
		return 0;
	default:
		fail(c, e);
		(void)sqlite3_reset(q);
		return -1;
	}
}

int db_run(struct db_conn *c, sqlite3_stmt *q, int *ret_changes, struct err *e)
{
	int got = db_next(c, q, e);

	if (got > 0)
		db_end(q);
	if (got >= 0 && ret_changes)
		*ret_changes = sqlite3_changes(c->sql);
	return got < 0 ? -1 : 0;
}

void db_end(sqlite3_stmt *q)
{
	(void)sqlite3_reset(q); /* repeats the error of the last step, which was told then */
}

int db_script(struct db_conn *c, const char *sql, struct err *e)
{
	return sqlite3_exec(c->sql, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(c, e);
}

int db_number(struct db_conn *c, const char *literal, int64_t *ret_value, struct err *e)
{
	sqlite3_stmt *q = db_stmt(c, literal, e);
	int got = q ? db_next(c, q, e) : -1;

	if (got < 0)
		return -1;
	*ret_value = got > 0 ? sqlite3_column_int64(q, 0) : 0;
	db_end(q);
	return 0;
}

bool db_conn_take_trouble(struct db_conn *c)
{
	bool trouble = c->trouble;

	c->trouble = false;
	return trouble;
}

bool db_conn_in_transaction(struct db_conn *c)
{
	return !sqlite3_get_autocommit(c->sql);
}

int db_conn_reserve(struct db_conn *c, struct err *e)
{
	sqlite3_int64 size;
	int64_t pages;

	/* A PRAGMA is compiled anew each time. */
	if (db_number(c, "PRAGMA page_count", &pages, e) < 0 ||
	    (!c->page_size && db_number(c, "PRAGMA page_size", &c->page_size, e) < 0))
		return -1;
	size = pages * c->page_size;
	if (size <= c->reserved)
		return 0;
	if (sqlite3_file_control(c->sql, "main", SQLITE_FCNTL_SIZE_HINT, &size) != SQLITE_OK) {
		c->trouble = true;
		return say_full(e);
	}
	c->reserved = (size + CHUNK_BYTES - 1) / CHUNK_BYTES * CHUNK_BYTES;
	return 0;
}

void db_conn_lay_out_log(struct db_conn *c)
{
	static const char zeros[65536];
	sqlite3_file *log = NULL;
	sqlite3_int64 at = 0;

	if (sqlite3_file_control(c->sql, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK || !log ||
	    !log->pMethods || log->pMethods->xFileSize(log, &at) != SQLITE_OK)
		return;
	for (; at < DB_LOG_BYTES; at += (sqlite3_int64)sizeof(zeros)) {
		if (log->pMethods->xWrite(log, zeros, sizeof(zeros), at) != SQLITE_OK)
			return;
	}
	(void)log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
}

void db_conn_checkpoint(struct db_conn *c)
{
	int in_log = 0, moved = 0;

	if (sqlite3_wal_checkpoint_v2(c->sql, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved) == SQLITE_OK)
		c->wal_pages = in_log - moved;
}

int db_conn_wal_pages(const struct db_conn *c)
{
	return c->wal_pages;
}

static int migrate_step(struct db_conn *c, const char *script, int version, struct err *e)
{
	char mark[64];

	snprintf(mark, sizeof(mark), "PRAGMA user_version = %d; COMMIT", version);
	if (db_script(c, "BEGIN IMMEDIATE", e) == 0 && db_script(c, script, e) == 0 &&
	    db_script(c, mark, e) == 0)
		return 0;
	if (db_conn_in_transaction(c))
		(void)db_script(c, "ROLLBACK", NULL);
	return err_wrap(e, "bring the database to schema %d", version);
}

int db_conn_migrate(struct db_conn *c, const char *path, const char *const *migrations, int n, struct err *e)
{
	int64_t have;

	if (db_number(c, "PRAGMA user_version", &have, e) < 0)
		return err_wrap(e, "%s", path);
	if (have < 0 || have > n)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"%s was written by a newer version of this program (schema %lld; this one knows %d). "
			"Start that version, or use another data directory.",
			path, (long long)have, n);
	for (int version = (int)have + 1; version <= n; version++)
		if (migrate_step(c, migrations[version - 1], version, e) < 0)
			return -1;
	return 0;
}

int db_conn_check(struct db_conn *c, const char *path, bool quick, struct err *e)
{
	sqlite3_stmt *q = db_stmt(c, quick ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)", e);
	struct err inner = { 0 };
	char finding[160];

	if (!q)
		return -1;
	if (db_next(c, q, &inner) > 0) {
		snprintf(finding, sizeof(finding), "%s", (const char *)sqlite3_column_text(q, 0));
		db_end(q);
		if (strcmp(finding, "ok") == 0)
			return 0;
	} else {
		snprintf(finding, sizeof(finding), "%.150s", inner.msg);
	}
	return err_set(
		e, ERR_CORRUPT, 0,
		"The database %s is damaged: %s. Restore it from a backup, or move it away to start empty.",
		path, finding);
}
