/* SPDX-License-Identifier: MIT */
/* How a job looks as a document. */
#include <string.h>

#include "base/utf8.h"
#include "store/mongo_internal.h"

/* The longest text of a readable field. */
#define TEXT_MAX 8192

/* BSON text is UTF-8, and a server may refuse a document with anything else in it. */
static void add_text(bson_t *doc, const char *key, const char *text)
{
	AUTO(buf_done) struct buf clean = { 0 };
	bool replaced;

	if (!text)
		return;
	buf_init(&clean, TEXT_MAX);
	if (utf8_add_replaced(&clean, text, strlen(text), &replaced))
		bson_append_utf8(doc, key, -1, buf_text(&clean), (int)clean.len);
}

static void add_payload(bson_t *doc, const char *key, const char *chunks_key, const struct buf *data,
			const struct chunk_set *set)
{
	bson_t sub;

	if (!set->n) {
		bson_append_binary(doc, key, -1, BSON_SUBTYPE_BINARY, (const uint8_t *)data->data,
				   (uint32_t)data->len);
		return;
	}
	bson_append_document_begin(doc, chunks_key, -1, &sub);
	BSON_APPEND_UTF8(&sub, "set", set->name);
	BSON_APPEND_INT32(&sub, "n", set->n);
	BSON_APPEND_INT64(&sub, "bytes", set->bytes);
	bson_append_document_end(doc, &sub);
}

static void add_files(bson_t *doc, const struct submission *s)
{
	bson_t list;
	char key[24];

	BSON_APPEND_ARRAY_BEGIN(doc, "files", &list);
	for (size_t i = 0; i < s->n_files; i++) {
		snprintf(key, sizeof(key), "%zu", i);
		add_text(&list, key, s->files[i].name);
	}
	bson_append_array_end(doc, &list);
}

void mongo_row_of_submission(bson_t *row, const struct submission *s, const struct buf *data,
			     const struct chunk_set *set)
{
	bson_init(row);
	BSON_APPEND_UTF8(row, "_id", s->id);
	BSON_APPEND_UTF8(row, "jobId", s->id);
	BSON_APPEND_UTF8(row, "state", set->n ? "storing" : "queued");
	BSON_APPEND_DATE_TIME(row, "createdAt", s->created_ms);
	add_text(row, "language", s->language);
	add_text(row, "requestedVersion", s->version);
	add_files(row, s);
	BSON_APPEND_INT64(row, "inputBytes", (int64_t)s->input.len);
	add_payload(row, "submission", "submissionChunks", data, set);
}

static void add_step(bson_t *doc, const struct step_result *step)
{
	if (step->exit_code >= 0)
		BSON_APPEND_INT32(doc, "exitCode", step->exit_code);
	else
		BSON_APPEND_NULL(doc, "exitCode");
	if (step->signal)
		BSON_APPEND_UTF8(doc, "signal", signal_name(step->signal));
	else
		BSON_APPEND_NULL(doc, "signal");
	BSON_APPEND_DOUBLE(doc, "cpuMs", (double)step->cpu_us / 1000);
	BSON_APPEND_DOUBLE(doc, "wallMs", (double)step->wall_us / 1000);
	BSON_APPEND_INT64(doc, "memoryBytes", step->memory_bytes);
}

void mongo_row_of_result(bson_t *row, const struct result *r, const struct buf *data,
			 const struct chunk_set *set, const bson_oid_t *by, int64_t expires_ms)
{
	bson_init(row);
	BSON_APPEND_UTF8(row, "_id", r->id);
	BSON_APPEND_UTF8(row, "jobId", r->id);
	BSON_APPEND_UTF8(row, "state", "finished");
	BSON_APPEND_DATE_TIME(row, "createdAt", r->created_ms);
	add_text(row, "language", r->language);
	BSON_APPEND_UTF8(row, "verdict", verdict_name(r->verdict));
	if (r->started_ms)
		BSON_APPEND_DATE_TIME(row, "startedAt", r->started_ms);
	BSON_APPEND_DATE_TIME(row, "finishedAt", r->finished_ms);
	BSON_APPEND_INT32(row, "attempts", r->attempts);
	add_text(row, "version", r->version);
	add_text(row, "message", r->message);
	if (r->ran)
		add_step(row, &r->run);
	BSON_APPEND_DATE_TIME(row, "expiresAt", expires_ms);
	BSON_APPEND_OID(row, "writtenBy", by);
	add_payload(row, "result", "resultChunks", data, set);
}

/* ---- reading: other programs may have written, so nothing is taken for granted ---- */

static void read_text(bson_iter_t *it, char *ret_text, size_t size)
{
	uint32_t len;
	const char *text = bson_iter_utf8(it, &len);

	if (text && len < size && strlen(text) == len)
		snprintf(ret_text, size, "%s", text);
}

static void read_chunks(bson_iter_t *it, struct chunk_set *ret_set)
{
	bson_iter_t sub;

	if (!BSON_ITER_HOLDS_DOCUMENT(it) || !bson_iter_recurse(it, &sub))
		return;
	while (bson_iter_next(&sub)) {
		if (BSON_ITER_IS_KEY(&sub, "set") && BSON_ITER_HOLDS_UTF8(&sub))
			read_text(&sub, ret_set->name, sizeof(ret_set->name));
		else if (BSON_ITER_IS_KEY(&sub, "n"))
			ret_set->n = (int)bson_iter_as_int64(&sub);
		else if (BSON_ITER_IS_KEY(&sub, "bytes"))
			ret_set->bytes = bson_iter_as_int64(&sub);
	}
}

static void read_binary(const bson_iter_t *it, const void **ret_data, uint32_t *ret_len)
{
	if (BSON_ITER_HOLDS_BINARY(it))
		bson_iter_binary(it, NULL, ret_len, (const uint8_t **)ret_data);
}

static void read_text_field(bson_iter_t *it, struct mongo_row *row)
{
	if (BSON_ITER_IS_KEY(it, "_id"))
		read_text(it, row->id, sizeof(row->id));
	else if (BSON_ITER_IS_KEY(it, "state"))
		read_text(it, row->state, sizeof(row->state));
	else if (BSON_ITER_IS_KEY(it, "language"))
		read_text(it, row->language, sizeof(row->language));
}

void mongo_row_read(const bson_t *doc, struct mongo_row *ret_row)
{
	bson_iter_t it;

	memset(ret_row, 0, sizeof(*ret_row));
	if (!bson_iter_init(&it, doc))
		return;
	while (bson_iter_next(&it)) {
		if (BSON_ITER_HOLDS_UTF8(&it))
			read_text_field(&it, ret_row);
		else if (BSON_ITER_IS_KEY(&it, "createdAt") && BSON_ITER_HOLDS_DATE_TIME(&it))
			ret_row->created_ms = bson_iter_date_time(&it);
		else if (BSON_ITER_IS_KEY(&it, "submission"))
			read_binary(&it, &ret_row->submission, &ret_row->submission_len);
		else if (BSON_ITER_IS_KEY(&it, "result"))
			read_binary(&it, &ret_row->result, &ret_row->result_len);
		else if (BSON_ITER_IS_KEY(&it, "submissionChunks"))
			read_chunks(&it, &ret_row->submission_chunks);
		else if (BSON_ITER_IS_KEY(&it, "resultChunks"))
			read_chunks(&it, &ret_row->result_chunks);
		else if (BSON_ITER_IS_KEY(&it, "writtenBy") && BSON_ITER_HOLDS_OID(&it))
			bson_oid_copy(bson_iter_oid(&it), &ret_row->by);
	}
}

int mongo_row_find(struct mongo_session *s, mongoc_collection_t *from, const char *id, const char *hide,
		   bson_t **ret_doc, struct mongo_row *ret_row, struct err *e)
{
	bson_t *query = BCON_NEW("_id", BCON_UTF8(id));
	bson_t *opts = BCON_NEW("projection", "{", hide, BCON_INT32(0), "}");
	mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(from, query, opts, NULL);
	const bson_t *doc;
	bson_error_t why;
	int got = 0;

	if (mongoc_cursor_next(cursor, &doc)) {
		*ret_doc = bson_copy(doc);
		mongo_row_read(*ret_doc, ret_row);
		got = 1;
	} else if (mongoc_cursor_error(cursor, &why)) {
		got = mongo_fail(s, &why, "read a job", e);
	}
	mongoc_cursor_destroy(cursor);
	bson_destroy(opts);
	bson_destroy(query);
	return got;
}

int mongo_row_peek(struct mongo_session *s, mongoc_collection_t *from, const char *id,
		   struct mongo_row *ret_row, struct err *e)
{
	bson_t *doc;
	int got = mongo_row_find(s, from, id, from == s->results ? "result" : "submission", &doc, ret_row, e);

	if (got > 0)
		bson_destroy(doc);
	return got;
}

/* ---- writing ---- */

int mongo_row_insert(struct mongo_session *s, mongoc_collection_t *into, const bson_t *row, const char *what,
		     struct err *e)
{
	bson_error_t why;

	if (mongoc_collection_insert_one(into, row, NULL, NULL, &why))
		return 1;
	return mongo_is_duplicate(&why) ? 0 : mongo_fail(s, &why, what, e);
}

int mongo_row_remove(struct mongo_session *s, mongoc_collection_t *from, const bson_t *query,
		     const struct mongo_row *row, struct err *e)
{
	bson_t reply;
	bson_iter_t it;
	bson_error_t why;
	bool ok = mongoc_collection_delete_one(from, query, NULL, &reply, &why);
	bool gone = ok && bson_iter_init_find(&it, &reply, "deletedCount") && bson_iter_as_int64(&it) > 0;

	bson_destroy(&reply);
	if (!ok)
		return mongo_fail(s, &why, "remove a job", e);
	if (!gone)
		return 0;
	if (mongo_chunks_drop(s, &row->result_chunks, e) < 0 ||
	    mongo_chunks_drop(s, &row->submission_chunks, e) < 0)
		return -1;
	return 1;
}

/* Those without chunks, which are most, in one step: 1, 0 when nothing matched, -1. */
static int drop_small(struct mongo_session *s, const char *id, int64_t created_ms, struct err *e)
{
	static const struct mongo_row no_chunks;
	bson_t *query = BCON_NEW("_id", BCON_UTF8(id), "createdAt", "{", "$lte", BCON_DATE_TIME(created_ms),
				 "}", "submissionChunks", "{", "$exists", BCON_BOOL(false), "}");
	int got = mongo_row_remove(s, s->submissions, query, &no_chunks, e);

	bson_destroy(query);
	return got;
}

int mongo_submission_drop(struct mongo_session *s, const char *id, int64_t created_ms, struct err *e)
{
	struct mongo_row row;
	bson_t *query;
	int got = drop_small(s, id, created_ms, e);

	if (got)
		return got;
	got = mongo_row_peek(s, s->submissions, id, &row, e);
	if (got <= 0)
		return got < 0 ? -1 : 1;
	if (row.created_ms > created_ms)
		return 0;
	/* The chunks first: the row knows of them. */
	if (mongo_chunks_drop(s, &row.submission_chunks, e) < 0)
		return -1;
	memset(&row.submission_chunks, 0, sizeof(row.submission_chunks));
	query = BCON_NEW("_id", BCON_UTF8(id));
	got = mongo_row_remove(s, s->submissions, query, &row, e);
	bson_destroy(query);
	return got < 0 ? -1 : 1;
}
