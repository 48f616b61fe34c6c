/* SPDX-License-Identifier: MIT */
#include "store/schema.h"

/*
 * jobs: the store's. A row is unfinished while `result` is NULL; `expires_ms` comes with the result. The
 * small columns stand before the large ones, so that reading them touches no overflow page. A plain rowid
 * table: with the blobs in a WITHOUT ROWID tree its inner pages would hold them too, and it would grow deep.
 *
 * waiting and leases: the queue's. Only jobs that wait are in `waiting`, ordered by `seq`, so that taking the
 * first costs the same whatever is stored. Both stay small next to `jobs`.
 */
static const char version_1[] = "CREATE TABLE jobs ("
				"	n INTEGER PRIMARY KEY,"
				"	id TEXT NOT NULL UNIQUE,"
				"	created_ms INTEGER NOT NULL,"
				"	language TEXT NOT NULL,"
				"	expires_ms INTEGER,"
				"	submission BLOB,"
				"	result BLOB"
				") STRICT;"
				"CREATE INDEX jobs_expiry ON jobs (expires_ms) WHERE expires_ms IS NOT NULL;"
				"CREATE TABLE waiting ("
				"	seq INTEGER PRIMARY KEY,"
				"	id TEXT NOT NULL UNIQUE,"
				"	attempts INTEGER NOT NULL"
				") STRICT;"
				"CREATE TABLE leases ("
				"	id TEXT PRIMARY KEY,"
				"	attempts INTEGER NOT NULL,"
				"	taken_ms INTEGER NOT NULL,"
				"	cancelled INTEGER NOT NULL DEFAULT 0"
				") STRICT, WITHOUT ROWID;";

const char *const schema_migrations[] = { version_1 };
const int n_schema_migrations = sizeof(schema_migrations) / sizeof(schema_migrations[0]);
