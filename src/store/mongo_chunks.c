/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "store/mongo_internal.h"

void mongo_chunks_name_submission(struct chunk_set *set, const char *id, int64_t created_ms)
{
	snprintf(set->name, sizeof(set->name), "%s/submission/%lld", id, (long long)created_ms);
}

void mongo_chunks_name_result(struct chunk_set *set, const char *id, const bson_oid_t *by)
{
	char text[25];

	bson_oid_to_string(by, text);
	snprintf(set->name, sizeof(set->name), "%s/result/%s", id, text);
}

static void piece_key(bson_t *key, const char *name, int n)
{
	char id[sizeof(((struct chunk_set *)0)->name) + 16];

	snprintf(id, sizeof(id), "%s/%d", name, n);
	bson_init(key);
	BSON_APPEND_UTF8(key, "_id", id);
}

static int write_piece(struct mongo_session *s, const struct chunk_set *set, int n, const char *data,
		       size_t len, int64_t expires_ms, struct err *e)
{
	bson_t *upsert = BCON_NEW("upsert", BCON_BOOL(true));
	bson_t key, piece;
	bson_error_t why;
	bool ok;

	piece_key(&key, set->name, n);
	bson_copy_to(&key, &piece);
	BSON_APPEND_UTF8(&piece, "set", set->name);
	BSON_APPEND_INT32(&piece, "n", n);
	if (expires_ms)
		BSON_APPEND_DATE_TIME(&piece, "expiresAt", expires_ms);
	BSON_APPEND_BINARY(&piece, "data", BSON_SUBTYPE_BINARY, (const uint8_t *)data, (uint32_t)len);
	ok = mongoc_collection_replace_one(s->chunks, &key, &piece, upsert, NULL, &why);
	bson_destroy(&piece);
	bson_destroy(&key);
	bson_destroy(upsert);
	return ok ? 0 : mongo_fail(s, &why, "store a part of a job", e);
}

int mongo_chunks_write(struct mongo_session *s, const struct chunk_set *set, const struct buf *data,
		       int64_t expires_ms, struct err *e)
{
	for (int n = 0; n < set->n; n++) {
		size_t at = (size_t)n * MONGO_INLINE_MAX;
		size_t len = data->len - at < MONGO_INLINE_MAX ? data->len - at : MONGO_INLINE_MAX;

		if (write_piece(s, set, n, data->data + at, len, expires_ms, e) < 0)
			return -1;
	}
	return 0;
}

/* 1, 0 when it is not there, -1. */
static int read_piece(struct mongo_session *s, const char *name, int n, struct buf *data, struct err *e)
{
	mongoc_cursor_t *cursor;
	const bson_t *doc;
	bson_iter_t it;
	bson_error_t why;
	bson_t key;
	int got = 0;

	piece_key(&key, name, n);
	cursor = mongoc_collection_find_with_opts(s->chunks, &key, NULL, NULL);
	if (mongoc_cursor_next(cursor, &doc)) {
		const uint8_t *bytes = NULL;
		uint32_t len = 0;

		if (bson_iter_init_find(&it, doc, "data") && BSON_ITER_HOLDS_BINARY(&it))
			bson_iter_binary(&it, NULL, &len, &bytes);
		got = buf_add(data, bytes, len)
			      ? 1
			      : err_set(e, ERR_LIMIT, 0, "Part %s/%d is too large.", name, n);
	} else if (mongoc_cursor_error(cursor, &why)) {
		got = mongo_fail(s, &why, "read a part of a job", e);
	}
	mongoc_cursor_destroy(cursor);
	bson_destroy(&key);
	return got;
}

int mongo_chunks_read(struct mongo_session *s, const struct chunk_set *set, struct buf *data, struct err *e)
{
	for (int n = 0; n < set->n; n++) {
		int got = read_piece(s, set->name, n, data, e);

		if (got <= 0)
			return got;
	}
	return (int64_t)data->len == set->bytes;
}

/* 1, 0 when it was not there, -1. */
static int drop_piece(struct mongo_session *s, const char *name, int n, struct err *e)
{
	bson_t key, reply;
	bson_iter_t it;
	bson_error_t why;
	int got;

	piece_key(&key, name, n);
	if (!mongoc_collection_delete_one(s->chunks, &key, NULL, &reply, &why))
		got = mongo_fail(s, &why, "remove a part of a job", e);
	else
		got = bson_iter_init_find(&it, &reply, "deletedCount") && bson_iter_as_int64(&it) > 0;
	bson_destroy(&reply);
	bson_destroy(&key);
	return got;
}

int mongo_chunks_drop(struct mongo_session *s, const struct chunk_set *set, struct err *e)
{
	for (int n = 0; n < set->n; n++)
		if (drop_piece(s, set->name, n, e) < 0)
			return -1;
	return 0;
}

int mongo_chunks_sweep(struct mongo_session *s, int64_t now_ms, int max, struct err *e)
{
	bson_t *due = BCON_NEW("expiresAt", "{", "$lte", BCON_DATE_TIME(now_ms), "}");
	bson_t *opts = BCON_NEW("projection", "{", "_id", BCON_INT32(1), "}", "limit", BCON_INT64(max));
	mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(s->chunks, due, opts, NULL);
	const bson_t *doc;
	bson_error_t why;
	int failed = 0;

	while (!failed && mongoc_cursor_next(cursor, &doc))
		if (!mongoc_collection_delete_one(s->chunks, doc, NULL, NULL, &why))
			failed = mongo_fail(s, &why, "remove a part of a job", e);
	if (!failed && mongoc_cursor_error(cursor, &why))
		failed = mongo_fail(s, &why, "look for old parts of jobs", e);
	mongoc_cursor_destroy(cursor);
	bson_destroy(opts);
	bson_destroy(due);
	return failed;
}
