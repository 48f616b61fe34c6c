/* SPDX-License-Identifier: MIT */
/* The embedded queue's reading: the next jobs from the disk, and what an earlier process left. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "job/codec.h"
#include "queue/sqlite.h"

struct refill_row {
	char id[JOB_ID_SIZE];
	int64_t seq;
	int attempts;
	struct submission *submission;
};

struct refill_op {
	struct db_op op;
	struct sqlite_queue *q;
	int64_t tail;
	int n;
	int max;
	struct refill_row rows[];
};

static void forget_rows(struct refill_op *o)
{
	for (int i = 0; i < o->n; i++)
		submission_unref(o->rows[i].submission);
	o->n = 0;
}

/* A submission that cannot be read stays NULL: the job then ends with a sentence instead of waiting for ever.
 */
static size_t read_row(sqlite3_stmt *s, struct refill_row *row)
{
	size_t len = (size_t)sqlite3_column_bytes(s, 3);

	row->seq = sqlite3_column_int64(s, 0);
	snprintf(row->id, sizeof(row->id), "%s", (const char *)sqlite3_column_text(s, 1));
	row->attempts = sqlite3_column_int(s, 2);
	row->submission = len ? submission_decode(sqlite3_column_blob(s, 3), len, NULL) : NULL;
	return len;
}

static int refill_run(struct db_conn *c, struct db_op *op, struct err *e)
{
	struct refill_op *o = container_of(op, struct refill_op, op);
	sqlite3_stmt *s = db_stmt(c,
				  "SELECT w.seq, w.id, w.attempts, j.submission FROM waiting AS w "
				  "LEFT JOIN jobs AS j ON j.id = w.id WHERE w.seq > ?1 ORDER BY w.seq",
				  e);
	size_t bytes = 0;
	int got = 1;

	forget_rows(o);
	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, o->tail);
	while (o->n < o->max && bytes < REFILL_BYTES_MAX && (got = db_next(c, s, e)) > 0)
		bytes += read_row(s, &o->rows[o->n++]);
	if (got > 0)
		db_end(s);
	return got < 0 ? -1 : 0;
}

static struct withdrawal *find_withdrawal(struct sqlite_queue *q, const char *id)
{
	struct withdrawal *w;

	list_for_each (w, &q->withdrawals, struct withdrawal, node)
		if (strcmp(w->id, id) == 0)
			return w;
	return NULL;
}

static void accept_row(struct sqlite_queue *q, struct refill_row *row)
{
	struct withdrawal *w = find_withdrawal(q, row->id);

	q->n_disk--;
	if (!w) {
		window_append(q, row->id, row->seq, row->attempts, TAKE(row->submission));
		return;
	}
	w->passed = true;
	q->tail = row->seq;
}

static void refill_done(struct db_op *op, const struct err *e)
{
	struct refill_op *o = container_of(op, struct refill_op, op);
	struct sqlite_queue *q = o->q;

	q->refilling = false;
	if (!e) {
		/* Or jobs that we count are not there, and asking again would never end. */
		assert(o->n > 0 || q->n_disk == 0);
		for (int i = 0; i < o->n; i++)
			accept_row(q, &o->rows[i]);
		queue_wake(q);
		refill_if_low(q);
	}
	forget_rows(o);
	free(o);
}

void refill_if_low(struct sqlite_queue *q)
{
	struct refill_op *o;
	int room = (int)(WINDOW_MAX - q->n_window);

	if (q->refilling || q->n_disk == 0 || q->n_window > WINDOW_LOW ||
	    (q->n_window > 0 && q->window_bytes >= WINDOW_BYTES_MAX / 2))
		return;
	o = db_op_new(sizeof(*o) + (size_t)room * sizeof(o->rows[0]));
	o->op.run = refill_run;
	o->op.done = refill_done;
	o->op.flags = DB_HOLD;
	o->q = q;
	o->tail = q->tail;
	o->max = room;
	q->refilling = true;
	db_write(q->db, &o->op);
}

/* ---- start-up ---- */

static int read_leases(struct db_conn *c, struct queue_lost **ret_rows, int *ret_n, struct err *e)
{
	sqlite3_stmt *s =
		db_stmt(c, "SELECT id, attempts, taken_ms, cancelled FROM leases ORDER BY id DESC", e);
	struct queue_lost *rows = NULL, *grown;
	int n = 0, got = s ? 1 : -1;

	while (s && (got = db_next(c, s, e)) > 0) {
		grown = reallocarray(rows, (size_t)n + 1, sizeof(*rows));
		if (!grown)
			abort();
		rows = grown;
		snprintf(rows[n].id, sizeof(rows[n].id), "%s", (const char *)sqlite3_column_text(s, 0));
		rows[n].attempts = sqlite3_column_int(s, 1);
		rows[n].taken_ms = sqlite3_column_int64(s, 2);
		rows[n++].cancelled = sqlite3_column_int(s, 3) != 0;
	}
	*ret_rows = rows;
	*ret_n = n;
	return got;
}

static int requeue(struct sqlite_queue *q, struct db_conn *c, const struct queue_lost *l, struct err *e)
{
	sqlite3_stmt *s = db_stmt(c, "INSERT INTO waiting (seq, id, attempts) VALUES (?1, ?2, ?3)", e);

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, --q->first_seq);
	sqlite3_bind_text(s, 2, l->id, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 3, l->attempts);
	if (db_run(c, s, NULL, e) < 0)
		return -1;
	s = db_stmt(c, "DELETE FROM leases WHERE id = ?1", e);
	if (!s)
		return -1;
	sqlite3_bind_text(s, 1, l->id, -1, SQLITE_STATIC);
	return db_run(c, s, NULL, e);
}

static int count_owners(struct sqlite_queue *q, struct db_conn *c, struct err *e)
{
	sqlite3_stmt *s = db_stmt(c, "SELECT id FROM waiting", e);
	int got = s ? 1 : -1;

	while (s && (got = db_next(c, s, e)) > 0)
		queue_count_owner(q, id_owner((const char *)sqlite3_column_text(s, 0)), 1);
	return got < 0 ? -1 : 0;
}

static int read_ends(struct sqlite_queue *q, struct db_conn *c, struct err *e)
{
	int64_t first, last;

	if (db_number(c, "SELECT min(seq) FROM waiting", &first, e) < 0 ||
	    db_number(c, "SELECT max(seq) FROM waiting", &last, e) < 0 ||
	    db_number(c, "SELECT count(*) FROM waiting", &q->n_waiting, e) < 0 || count_owners(q, c, e) < 0)
		return -1;
	q->first_seq = first < 1 ? first : 1;
	q->next_seq = last < 0 ? 1 : last + 1;
	return 0;
}

/* Puts the jobs of void leases in front, the oldest first of all (the rows come youngest first); keeps in
 * `rows` those that cannot go on. Returns their number or -1. */
static int void_leases(struct sqlite_queue *q, struct db_conn *c, int attempts_max, struct queue_lost *rows,
		       int n, struct err *e)
{
	int lost = 0;

	for (int i = 0; i < n; i++) {
		if (rows[i].cancelled || rows[i].attempts >= attempts_max)
			rows[lost++] = rows[i];
		else if (requeue(q, c, &rows[i], e) < 0)
			return -1;
		else
			queue_count(q, rows[i].id, 1);
	}
	return lost;
}

int recover(struct sqlite_queue *q, struct db_conn *c, int attempts_max, struct queue_lost **ret_lost,
	    int *ret_n_lost, struct err *e)
{
	AUTO_FREE struct queue_lost *rows = NULL;
	int n, lost;

	if (db_script(c, "BEGIN IMMEDIATE", e) < 0)
		return -1;
	if (read_ends(q, c, e) < 0 || read_leases(c, &rows, &n, e) < 0)
		return -1;
	lost = void_leases(q, c, attempts_max, rows, n, e);
	if (lost < 0 || db_script(c, "COMMIT", e) < 0)
		return -1;
	q->n_disk = q->n_waiting;
	*ret_lost = TAKE(rows);
	*ret_n_lost = lost;
	return 0;
}
