/* SPDX-License-Identifier: MIT */
/* What the tests of the MongoDB store share: a server, a store on it, calls that wait for their answer. */
#ifndef STORE_MONGO_TESTING_H
#define STORE_MONGO_TESTING_H

#include <mongoc/mongoc.h>

#include "base/unit.h"
#include "store/mongo.h"
#include "store/mongo_test_server.h"

#define DAY_MS ((int64_t)86400 * 1000)

extern struct test_server server;
extern mongoc_client_t *look; /* past the store */

/* For cmocka_run_group_tests. */
int start_all(void **state);
int stop_all(void **state);

struct fixture {
	struct event_base *base;
	struct store *store;
	char database[32];
	char url[128];
	int changes; /* times the server was lost or found */
	bool lost;
	char why[512];
};

/* What the callbacks below leave; they count in `told`. */
struct answer {
	int told;
	enum err_kind kind;
	char msg[320];
	int n;
	bool found;
	int64_t created_ms;
	struct result *result;
	struct submission *submission;
	struct store_unfinished rows[8];
};

void open_at(struct fixture *f, int port, int64_t timeout_ms);
void open_fixture(struct fixture *f);
void close_fixture(struct fixture *f);
void on_done(const struct err *e, void *arg);
void on_count(int n, const struct err *e, void *arg);
void on_get(const struct store_row *row, const struct err *e, void *arg);
void on_load(struct submission *s, const struct err *e, void *arg);
void on_unfinished(const struct store_unfinished *rows, int n, const struct err *e, void *arg);
void answer_done(struct answer *a);
void pump_until(struct fixture *f, const int *counter, int wanted);
void wait_for(struct fixture *f, struct answer *a);
void wait_well(struct fixture *f, struct answer *a);
struct submission *new_submission(const char *id, int64_t created_ms, size_t input);
struct result *new_result(const struct submission *s, size_t output, char fill);
void create_well(struct fixture *f, struct submission *s);
bool finish_well(struct fixture *f, struct result *r, int64_t expires_ms);
void get_well(struct fixture *f, const char *id, struct answer *a);
void load_well(struct fixture *f, const char *id, struct answer *a);
int sweep_well(struct fixture *f, int64_t now_ms, int max);
void reject_well(struct fixture *f, const char *id, int64_t expires_ms);
void assert_same_submission(const struct submission *a, const struct submission *b);
int64_t count_docs(const struct fixture *f, const char *collection);
char *row_text(const struct fixture *f, const char *collection, const char *id);
void assert_in_row(const char *row, const char *what);
void wait_for_no_chunks(struct fixture *f);

#endif
