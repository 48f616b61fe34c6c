/* SPDX-License-Identifier: MIT */
/* The indexes, made before the first use of a connection; what is there is left as it is. */
#include <string.h>

#include "store/mongo_internal.h"

/* The server removes what is expired by itself, but an hour after our sweep should have: only we remove the
 * chunks with their row. */
#define TTL_GRACE_S 3600

enum { NOT_IMPLEMENTED = 238, INDEX_OPTIONS_CONFLICT = 85, INDEX_KEY_SPECS_CONFLICT = 86 };

static bool create_index(struct mongo_session *s, const char *collection, bson_t *index, bson_error_t *why)
{
	bson_t *command =
		BCON_NEW("createIndexes", BCON_UTF8(collection), "indexes", "[", BCON_DOCUMENT(index), "]");
	bool ok = mongoc_database_write_command_with_opts(s->db, command, NULL, NULL, why);

	bson_destroy(command);
	bson_destroy(index);
	return ok;
}

static int ensure_index(struct mongo_session *s, const char *collection, bson_t *index, struct err *e)
{
	bson_error_t why;

	if (create_index(s, collection, index, &why))
		return 0;
	return mongo_fail(s, &why, "make an index", e);
}

/* With a time to live where the server knows that; FerretDB 1 does not. */
static int ensure_expiry(struct mongo_session *s, const char *collection, struct err *e)
{
	bson_t *ttl = BCON_NEW("key", "{", "expiresAt", BCON_INT32(1), "}", "name", "expiry",
			       "expireAfterSeconds", BCON_INT32(TTL_GRACE_S));
	bson_t *plain;
	bson_error_t why;

	if (create_index(s, collection, ttl, &why))
		return 0;
	/* An operator who wants another time, or none, has made it so. */
	if (why.code == INDEX_OPTIONS_CONFLICT || why.code == INDEX_KEY_SPECS_CONFLICT)
		return 0;
	if (why.code != NOT_IMPLEMENTED)
		return mongo_fail(s, &why, "make an index", e);
	plain = BCON_NEW("key", "{", "expiresAt", BCON_INT32(1), "}", "name", "expiry");
	return ensure_index(s, collection, plain, e);
}

static int ensure_id(struct mongo_session *s, const char *collection, struct err *e)
{
	return ensure_index(
		s, collection,
		BCON_NEW("key", "{", "jobId", BCON_INT32(1), "}", "name", "jobId", "unique", BCON_BOOL(true)),
		e);
}

static int ensure_indexes(struct mongo_session *s, struct err *e)
{
	if (ensure_id(s, "submissions", e) < 0 || ensure_id(s, "results", e) < 0)
		return -1;
	if (ensure_index(s, "submissions",
			 BCON_NEW("key", "{", "state", BCON_INT32(1), "_id", BCON_INT32(1), "createdAt",
				  BCON_INT32(1), "}", "name", "unfinished"),
			 e) < 0)
		return -1;
	return ensure_expiry(s, "results", e) < 0 ? -1 : ensure_expiry(s, "chunks", e);
}

static void describe(const bson_t *info, char *about, size_t size)
{
	bson_iter_t it;
	const char *version = "of unknown version";
	bool ferret = bson_has_field(info, "ferretdbVersion") || bson_has_field(info, "ferretdb");

	if (bson_iter_init_find(&it, info, "version") && BSON_ITER_HOLDS_UTF8(&it))
		version = bson_iter_utf8(&it, NULL);
	snprintf(about, size, "%s %.32s", ferret ? "FerretDB, which stands for MongoDB" : "MongoDB", version);
}

int mongo_setup(struct mongo_session *s, char *about, size_t about_size, struct err *e)
{
	bson_t *command = BCON_NEW("buildInfo", BCON_INT32(1));
	bson_t reply;
	bson_error_t why;
	bool ok = mongoc_client_command_simple(s->client, "admin", command, NULL, &reply, &why);

	if (ok)
		describe(&reply, about, about_size);
	bson_destroy(&reply);
	bson_destroy(command);
	return ok ? ensure_indexes(s, e) : mongo_fail(s, &why, "tell what it is", e);
}
