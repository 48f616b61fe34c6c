/* SPDX-License-Identifier: MIT */
#include "queue/redis_url.h"

#include <string.h>

#include "base/unit.h"

TEST(every_part_of_a_url_is_read)
{
	static const struct {
		const char *text, *host;
		int port;
		const char *user, *password;
		int database;
	} rows[] = {
		{ "redis://localhost", "localhost", 6379, "", "", 0 },
		{ "redis://a:1/", "a", 1, "", "", 0 },
		{ "redis://:secret@a:6380/3", "a", 6380, "", "secret", 3 },
		{ "redis://me:p%40ss%2F@h/15", "h", 6379, "me", "p@ss/", 15 },
		{ "redis://[::1]:7000/1", "::1", 7000, "", "", 1 },
		{ "redis://[::1]", "::1", 6379, "", "", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct redis_url u;
		struct err e;

		assert_int_equal(redis_url_parse(rows[i].text, &u, &e), 0);
		assert_string_equal(u.host, rows[i].host);
		assert_int_equal(u.port, rows[i].port);
		assert_string_equal(u.user, rows[i].user);
		assert_string_equal(u.password, rows[i].password);
		assert_int_equal(u.database, rows[i].database);
	}
}

TEST(what_cannot_be_used_is_refused_without_its_password)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "rediss://:geheim@a", "TLS" },   { "http://:geheim@a", "redis://" },
		{ "redis://", "no host" },	   { "redis://:geheim@", "no host" },
		{ "redis://:geheim@a:0", "port" }, { "redis://:geheim@a:x", "port" },
		{ "redis://a:65536", "port" },	   { "redis://a/x", "database" },
		{ "redis://a/-1", "database" },	   { "redis://a?tls=1", "options" },
		{ "redis://a,b", "Cluster" },	   { "redis://:%zz@a", "password" },
		{ "redis://:%2@a", "password" },   { "redis://:%00@a", "password" },
		{ "redis://me@a", "no password" }, { "redis://[::1", "host" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct redis_url u;
		struct err e;

		assert_int_equal(redis_url_parse(rows[i].text, &u, &e), -1);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_non_null(strstr(e.msg, rows[i].says));
		assert_null(strstr(e.msg, "geheim"));
	}
}

UNIT_MAIN(T(every_part_of_a_url_is_read), T(what_cannot_be_used_is_refused_without_its_password))
