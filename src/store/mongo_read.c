/* SPDX-License-Identifier: MIT */
/* Rows are read. */
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "job/codec.h"
#include "store/mongo_internal.h"

/* Readings of a row that changes under our hands, each time in between. */
#define ROUNDS_MAX 5

/* ---- get and load ---- */

struct get_op {
	struct mongo_op op;
	char id[JOB_ID_SIZE];
	bool found;
	char language[sizeof(((struct mongo_row *)0)->language)];
	struct store_row row;
	struct submission *submission;
	store_get_fn *get;
	store_load_fn *load;
	void *arg;
};

/* The payload, from the row or from its chunks: 1, 0 when it is not all there, -1. */
static int payload(struct mongo_session *s, const void *data, uint32_t len, const struct chunk_set *set,
		   struct buf *out, struct err *e)
{
	if (set->n)
		return mongo_chunks_read(s, set, out, e);
	if (!data)
		return 0;
	return buf_add(out, data, len) ? 1 : err_set(e, ERR_LIMIT, 0, "The row is too large.");
}

/* Each take_ function: 1, 0 to begin again, since what belongs together was not all there, -1. */

static int take_finished(struct mongo_session *s, struct get_op *o, const struct mongo_row *row,
			 struct err *e)
{
	AUTO(buf_done) struct buf data = { 0 };
	int got;

	buf_init(&data, MONGO_BLOB_MAX);
	got = payload(s, row->result, row->result_len, &row->result_chunks, &data, e);
	if (got <= 0)
		return got;
	o->row.result = result_decode(data.data, data.len, e);
	return o->row.result ? 1 : err_wrap(e, "job %s", o->id);
}

static int take_queued(struct mongo_session *s, struct get_op *o, const struct mongo_row *row, struct err *e)
{
	AUTO(buf_done) struct buf data = { 0 };
	int got;

	if (!o->load)
		return 1;
	buf_init(&data, MONGO_BLOB_MAX);
	got = payload(s, row->submission, row->submission_len, &row->submission_chunks, &data, e);
	if (got <= 0)
		return got;
	o->submission = submission_decode(data.data, data.len, e);
	return o->submission ? 1 : err_wrap(e, "job %s", o->id);
}

static void take_row(struct get_op *o, const struct mongo_row *row)
{
	o->found = true;
	o->row.created_ms = row->created_ms;
	memcpy(o->language, row->language, sizeof(o->language));
	o->row.language = o->language;
}

/* A result of an earlier job under the same id is as good as none. */
static bool is_outdated(struct mongo_session *s, const struct get_op *o, const struct mongo_row *result)
{
	struct mongo_row later;

	return !id_is_valid(o->id) && mongo_row_is(result, "finished") &&
	       mongo_row_peek(s, s->submissions, o->id, &later, NULL) > 0 &&
	       later.created_ms > result->created_ms;
}

/* As take_; and 2 when there is no row. */
static int look_in_results(struct mongo_session *s, struct get_op *o, struct err *e)
{
	struct mongo_row row;
	bson_t *doc;
	int got = mongo_row_find(s, s->results, o->id, o->load ? "result" : "submission", &doc, &row, e);

	if (got <= 0)
		return got < 0 ? -1 : 2;
	got = 1;
	if (is_outdated(s, o, &row)) {
		got = 2;
	} else if (mongo_row_is(&row, "finished") && !o->load) {
		take_row(o, &row);
		got = take_finished(s, o, &row, e);
	}
	bson_destroy(doc);
	return got;
}

static int look_in_submissions(struct mongo_session *s, struct get_op *o, struct err *e)
{
	struct mongo_row row;
	bson_t *doc;
	int got = mongo_row_find(s, s->submissions, o->id, o->load ? "result" : "submission", &doc, &row, e);

	if (got <= 0)
		return got < 0 ? -1 : 2;
	got = 1;
	if (mongo_row_is(&row, "queued")) {
		take_row(o, &row);
		got = take_queued(s, o, &row, e);
	}
	bson_destroy(doc);
	return got;
}

/* A job moves from the submissions to the results, so who finds it in neither may have missed it: then the
 * results are asked once more. */
static int get_run(struct mongo_session *s, struct mongo_op *op, struct err *e)
{
	struct get_op *o = container_of(op, struct get_op, op);

	for (int i = 0; i < ROUNDS_MAX; i++) {
		int got = look_in_results(s, o, e);

		if (got == 2)
			got = look_in_submissions(s, o, e);
		if (got == 2)
			got = look_in_results(s, o, e);
		if (got)
			return got < 0 ? -1 : 0;
		o->found = false;
	}
	return err_set(e, ERR_CORRUPT, 0, "Job %s is stored, but parts of it are missing.", o->id);
}

static void get_done(struct mongo_op *op, const struct err *e)
{
	struct get_op *o = container_of(op, struct get_op, op);

	if (o->load)
		o->load(e ? NULL : o->submission, e, o->arg);
	else
		o->get(o->found && !e ? &o->row : NULL, e, o->arg);
	submission_unref(o->submission);
	result_unref(o->row.result);
	free(o);
}

static void hand_get(struct store *st, const char *id, store_get_fn *get_fn, store_load_fn *load_fn,
		     void *arg)
{
	struct get_op *o = mongo_op_new(sizeof(*o));

	o->op.run = get_run;
	o->op.done = get_done;
	snprintf(o->id, sizeof(o->id), "%s", id);
	o->get = get_fn;
	o->load = load_fn;
	o->arg = arg;
	mongo_hand(mongo_of(st), &o->op);
}

void mongo_get(struct store *st, const char *id, store_get_fn *fn, void *arg)
{
	hand_get(st, id, fn, NULL, arg);
}

void mongo_load(struct store *st, const char *id, store_load_fn *fn, void *arg)
{
	hand_get(st, id, NULL, fn, arg);
}

/* ---- unfinished ---- */

struct unfinished_op {
	struct mongo_op op;
	int64_t before_ms;
	char after[JOB_ID_SIZE];
	int max;
	struct store_unfinished *rows;
	int n;
	store_unfinished_fn *fn;
	void *arg;
};

/* The results of the page's jobs, of which there should be none. The caller's. */
static mongoc_cursor_t *find_results(struct mongo_session *s, const struct unfinished_op *o)
{
	bson_t *opts = BCON_NEW("projection", "{", "createdAt", BCON_INT32(1), "state", BCON_INT32(1), "}");
	bson_t query = BSON_INITIALIZER, in, list;
	mongoc_cursor_t *cursor;
	char key[24];

	BSON_APPEND_DOCUMENT_BEGIN(&query, "_id", &in);
	BSON_APPEND_ARRAY_BEGIN(&in, "$in", &list);
	for (int i = 0; i < o->n; i++) {
		snprintf(key, sizeof(key), "%d", i);
		BSON_APPEND_UTF8(&list, key, o->rows[i].id);
	}
	bson_append_array_end(&in, &list);
	bson_append_document_end(&query, &in);
	cursor = mongoc_collection_find_with_opts(s->results, &query, opts, NULL);
	bson_destroy(&query);
	bson_destroy(opts);
	return cursor;
}

/* The row leaves the page and the database, if the result is its. */
static int leave_out(struct mongo_session *s, struct unfinished_op *o, const struct mongo_row *result,
		     struct err *e)
{
	for (int i = 0; i < o->n; i++) {
		const struct store_unfinished row = o->rows[i];

		if (strcmp(row.id, result->id) != 0)
			continue;
		if (!mongo_row_is(result, "rejected") && result->created_ms < row.created_ms)
			return 0;
		memmove(&o->rows[i], &o->rows[i + 1], (size_t)(--o->n - i) * sizeof(o->rows[0]));
		return mongo_submission_drop(s, row.id, row.created_ms, e) < 0 ? -1 : 0;
	}
	return 0;
}

/* Where a worker died between its two writes. */
static int leave_out_finished(struct mongo_session *s, struct unfinished_op *o, struct err *e)
{
	mongoc_cursor_t *cursor = find_results(s, o);
	const bson_t *doc;
	bson_error_t why;
	int got = 0;

	while (got == 0 && mongoc_cursor_next(cursor, &doc)) {
		struct mongo_row result;

		mongo_row_read(doc, &result);
		got = leave_out(s, o, &result, e);
	}
	if (got == 0 && mongoc_cursor_error(cursor, &why))
		got = mongo_fail(s, &why, "look for results", e);
	mongoc_cursor_destroy(cursor);
	return got;
}

static int read_page(struct mongo_session *s, struct unfinished_op *o, struct err *e)
{
	bson_t *query = BCON_NEW("state", BCON_UTF8("queued"), "_id", "{", "$gt", BCON_UTF8(o->after), "}",
				 "createdAt", "{", "$lt", BCON_DATE_TIME(o->before_ms), "}");
	bson_t *opts = BCON_NEW("projection", "{", "createdAt", BCON_INT32(1), "}", "sort", "{", "_id",
				BCON_INT32(1), "}", "limit", BCON_INT64(o->max));
	mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(s->submissions, query, opts, NULL);
	const bson_t *doc;
	bson_error_t why;
	int got = 0;

	o->n = 0;
	while (o->n < o->max && mongoc_cursor_next(cursor, &doc)) {
		struct mongo_row row;

		mongo_row_read(doc, &row);
		o->rows[o->n].created_ms = row.created_ms;
		memcpy(o->rows[o->n++].id, row.id, sizeof(row.id));
	}
	if (mongoc_cursor_error(cursor, &why))
		got = mongo_fail(s, &why, "look for unfinished jobs", e);
	mongoc_cursor_destroy(cursor);
	bson_destroy(opts);
	bson_destroy(query);
	return got;
}

/* A page of which nothing is left would look like the last one. */
static int unfinished_run(struct mongo_session *s, struct mongo_op *op, struct err *e)
{
	struct unfinished_op *o = container_of(op, struct unfinished_op, op);

	for (;;) {
		int before;

		if (read_page(s, o, e) < 0)
			return -1;
		before = o->n;
		if (before && leave_out_finished(s, o, e) < 0)
			return -1;
		if (o->n || !before)
			return 0;
	}
}

static void unfinished_done(struct mongo_op *op, const struct err *e)
{
	struct unfinished_op *o = container_of(op, struct unfinished_op, op);

	o->fn(e ? NULL : o->rows, e ? 0 : o->n, e, o->arg);
	free(o->rows);
	free(o);
}

void mongo_unfinished(struct store *st, int64_t before_ms, const char *after, int max,
		      store_unfinished_fn *fn, void *arg)
{
	struct unfinished_op *o = mongo_op_new(sizeof(*o));

	o->op.run = unfinished_run;
	o->op.done = unfinished_done;
	o->before_ms = before_ms;
	snprintf(o->after, sizeof(o->after), "%s", after);
	o->max = max;
	o->rows = mongo_op_new((size_t)max * sizeof(*o->rows));
	o->fn = fn;
	o->arg = arg;
	mongo_hand(mongo_of(st), &o->op);
}
