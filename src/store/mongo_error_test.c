/* SPDX-License-Identifier: MIT */
#include "base/unit.h"
#include "store/mongo_internal.h"

static const struct {
	uint32_t domain;
	uint32_t code;
	const char *message;
	enum err_kind kind;
	bool lost;
} answers[] = {
	{ MONGOC_ERROR_SERVER_SELECTION, MONGOC_ERROR_SERVER_SELECTION_FAILURE, "no server", ERR_BUSY, true },
	{ MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, "closed", ERR_BUSY, true },
	{ MONGOC_ERROR_SERVER, 10107, "not primary", ERR_BUSY, true },
	{ MONGOC_ERROR_SERVER, 11600, "shutting down", ERR_BUSY, true },
	{ MONGOC_ERROR_WRITE_CONCERN, 91, "shutting down", ERR_BUSY, true },
	{ MONGOC_ERROR_WRITE_CONCERN, 64, "waiting for replication timed out", ERR_BUSY, false },
	{ MONGOC_ERROR_SERVER, 14031, "No space on device", ERR_DISK_FULL, false },
	{ MONGOC_ERROR_SERVER, 1, "database or disk is full (13)", ERR_DISK_FULL, false },
	{ MONGOC_ERROR_SERVER, 1, "28: No space left on device", ERR_DISK_FULL, false },
	{ MONGOC_ERROR_SERVER, 18, "Authentication failed.", ERR_IO, false },
	{ MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, "SCRAM failure", ERR_IO, false },
	{ MONGOC_ERROR_SERVER, 13, "not authorized on db", ERR_IO, false },
	{ MONGOC_ERROR_SERVER, 10334, "BSONObj size is invalid", ERR_LIMIT, false },
	{ MONGOC_ERROR_SERVER, 238, "not implemented", ERR_IO, false },
	/* A code of another domain is another thing. */
	{ MONGOC_ERROR_COMMAND, 91, "?", ERR_IO, false },
};

TEST(each_answer_has_its_kind)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct mongo_session s = { 0 };
		bson_error_t why;
		struct err e = { 0 };

		bson_set_error(&why, answers[i].domain, answers[i].code, "%s", answers[i].message);
		assert_int_equal(mongo_fail(&s, &why, "store a job", &e), -1);
		if (e.kind != answers[i].kind || s.lost != answers[i].lost)
			fail_msg("%s: kind %d, lost %d", answers[i].message, (int)e.kind, s.lost);
		assert_non_null(strstr(e.msg, answers[i].message));
	}
}

TEST(only_a_row_that_is_there_is_a_duplicate)
{
	bson_error_t why;

	bson_set_error(&why, MONGOC_ERROR_SERVER, 11000, "E11000 duplicate key error");
	assert_true(mongo_is_duplicate(&why));
	bson_set_error(&why, MONGOC_ERROR_SERVER, 112, "WriteConflict");
	assert_false(mongo_is_duplicate(&why));
}

TEST(no_message_has_the_password)
{
	static const char url[] = "mongodb://user:hunter2@host/?x=y";

	assert_string_equal(mongo_without_password("bad option x", url), "bad option x");
	assert_string_equal(mongo_without_password("bad: user:hunter2", url), "it is not well-formed");
	assert_string_equal(mongo_without_password("bad: hunt", url), "it is not well-formed");
	assert_string_equal(mongo_without_password("bad host", "mongodb://host/"), "bad host");
	assert_string_equal(mongo_without_password("bad user", "mongodb://user@host/"), "bad user");
	assert_string_equal(mongo_without_password("bad user", "mongodb://user:@host/"), "bad user");
	assert_string_equal(mongo_without_password("bad a@b", "user:a@b@host"), "it is not well-formed");
}

UNIT_MAIN(T(each_answer_has_its_kind), T(only_a_row_that_is_there_is_a_duplicate),
	  T(no_message_has_the_password))
