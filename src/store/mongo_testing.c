/* SPDX-License-Identifier: MIT */
#include "store/mongo_testing.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/id.h"
#include "job/codec.h"

struct test_server server;

mongoc_client_t *look;
static int databases; /* each test has its own */

/* ---- a store, and answers to wait for ---- */

static void on_change(const struct err *e, const char *about, void *arg)
{
	struct fixture *f = arg;

	assert_true(e || strstr(about, "MongoDB"));
	f->changes++;
	f->lost = e != NULL;
	snprintf(f->why, sizeof(f->why), "%s", e ? e->msg : "");
}

void open_at(struct fixture *f, int port, int64_t timeout_ms)
{
	struct store_mongo_options options = {
		.plugin = PLUGIN,
		.url = f->url,
		.timeout_ms = timeout_ms,
		.change = on_change,
		.arg = f,
	};
	struct err e = { 0 };

	if (!f->base)
		f->base = event_base_new();
	if (!f->database[0])
		snprintf(f->database, sizeof(f->database), "t%d", ++databases);
	snprintf(f->url, sizeof(f->url), "mongodb://127.0.0.1:%d/%s", port, f->database);
	f->store = store_mongo_open(f->base, &options, &e);
	if (!f->store)
		fail_msg("%s", e.msg);
}

void open_fixture(struct fixture *f)
{
	open_at(f, server.port, 5000);
}

void close_fixture(struct fixture *f)
{
	f->store->ops->close(f->store);
	event_base_free(f->base);
}

static void answered(struct answer *a, const struct err *e)
{
	a->told++;
	a->kind = e ? e->kind : ERR_NONE;
	snprintf(a->msg, sizeof(a->msg), "%s", e ? e->msg : "");
}

void on_done(const struct err *e, void *arg)
{
	answered(arg, e);
}

void on_count(int n, const struct err *e, void *arg)
{
	((struct answer *)arg)->n = n;
	answered(arg, e);
}

void on_get(const struct store_row *row, const struct err *e, void *arg)
{
	struct answer *a = arg;

	a->found = row != NULL;
	a->created_ms = row ? row->created_ms : 0;
	if (row)
		assert_string_equal(row->language, "python");
	if (row && row->result)
		a->result = result_ref(row->result);
	answered(a, e);
}

void on_load(struct submission *s, const struct err *e, void *arg)
{
	struct answer *a = arg;

	if (s)
		a->submission = submission_ref(s);
	answered(a, e);
}

void on_unfinished(const struct store_unfinished *rows, int n, const struct err *e, void *arg)
{
	struct answer *a = arg;

	assert_true(n <= 8);
	a->n = n;
	for (int i = 0; i < n; i++)
		a->rows[i] = rows[i];
	answered(a, e);
}

void answer_done(struct answer *a)
{
	result_unref(a->result);
	submission_unref(a->submission);
	memset(a, 0, sizeof(*a));
}

static void give_up(int sig)
{
	static const char text[] = "waited in vain\n";

	(void)sig;
	(void)!write(2, text, sizeof(text) - 1);
	abort();
}

void pump_until(struct fixture *f, const int *counter, int wanted)
{
	alarm(60);
	while (*counter < wanted)
		event_base_loop(f->base, EVLOOP_ONCE);
	alarm(0);
}

void wait_for(struct fixture *f, struct answer *a)
{
	pump_until(f, &a->told, 1);
	assert_int_equal(a->told, 1);
}

void wait_well(struct fixture *f, struct answer *a)
{
	wait_for(f, a);
	if (a->kind)
		fail_msg("%s", a->msg);
}

/* ---- jobs ---- */

struct submission *new_submission(const char *id, int64_t created_ms, size_t input)
{
	struct submission *s = submission_new();

	if (id)
		snprintf(s->id, sizeof(s->id), "%s", id);
	else
		id_new(created_ms, s->id);
	s->created_ms = created_ms;
	s->language = strdup("python");
	s->files = calloc(1, sizeof(*s->files));
	if (!s->files)
		abort();
	s->n_files = 1;
	s->files[0].name = strdup("main.py");
	bytes_set(&s->files[0].content, "print(1)", 8);
	s->input.data = malloc(input + 1);
	s->input.len = input;
	for (size_t i = 0; i < input; i++)
		s->input.data[i] = (char)(i * 7 + i / 251);
	return s;
}

struct result *new_result(const struct submission *s, size_t output, char fill)
{
	struct result *r = result_new();

	snprintf(r->id, sizeof(r->id), "%s", s->id);
	r->language = strdup("python");
	r->version = strdup("3.11.2");
	r->verdict = VERDICT_RUNTIME_ERROR;
	r->ran = true;
	r->run.verdict = VERDICT_RUNTIME_ERROR;
	r->run.exit_code = 3;
	r->run.cpu_us = 12500;
	r->run.out.data.data = malloc(output + 1);
	memset(r->run.out.data.data, fill, output);
	r->run.out.data.len = output;
	r->created_ms = s->created_ms;
	r->started_ms = s->created_ms + 5;
	r->finished_ms = s->created_ms + 25;
	r->attempts = 1;
	return r;
}

void create_well(struct fixture *f, struct submission *s)
{
	struct answer a = { 0 };

	f->store->ops->create(f->store, s, on_done, &a);
	assert_int_equal(a.told, 0);
	wait_well(f, &a);
}

bool finish_well(struct fixture *f, struct result *r, int64_t expires_ms)
{
	bool applied = false;
	struct store_finish finish = { .result = r, .expires_ms = expires_ms, .ret_applied = &applied };
	struct answer a = { 0 };

	f->store->ops->finish(f->store, &finish, on_done, &a);
	wait_well(f, &a);
	return applied;
}

void get_well(struct fixture *f, const char *id, struct answer *a)
{
	answer_done(a);
	f->store->ops->get(f->store, id, on_get, a);
	wait_well(f, a);
}

void load_well(struct fixture *f, const char *id, struct answer *a)
{
	answer_done(a);
	f->store->ops->load(f->store, id, on_load, a);
	wait_well(f, a);
}

int sweep_well(struct fixture *f, int64_t now_ms, int max)
{
	struct answer a = { 0 };

	f->store->ops->sweep(f->store, now_ms, max, on_count, &a);
	wait_well(f, &a);
	return a.n;
}

void reject_well(struct fixture *f, const char *id, int64_t expires_ms)
{
	struct answer a = { 0 };

	f->store->ops->reject(f->store, id, expires_ms, on_done, &a);
	wait_well(f, &a);
}

void assert_same_submission(const struct submission *a, const struct submission *b)
{
	AUTO(buf_done) struct buf one, other;

	buf_init(&one, (size_t)64 << 20);
	buf_init(&other, (size_t)64 << 20);
	assert_true(submission_encode(&one, a) && submission_encode(&other, b));
	assert_int_equal(one.len, other.len);
	assert_memory_equal(one.data, other.data, one.len);
}

/* ---- what is really there ---- */

int64_t count_docs(const struct fixture *f, const char *collection)
{
	mongoc_collection_t *c = mongoc_client_get_collection(look, f->database, collection);
	bson_t all = BSON_INITIALIZER;
	bson_error_t why;
	int64_t n = mongoc_collection_count_documents(c, &all, NULL, NULL, NULL, &why);

	mongoc_collection_destroy(c);
	if (n < 0)
		fail_msg("%s", why.message);
	return n;
}

/* The row as JSON text for people; the caller's, with bson_free. */
char *row_text(const struct fixture *f, const char *collection, const char *id)
{
	mongoc_collection_t *c = mongoc_client_get_collection(look, f->database, collection);
	bson_t *query = BCON_NEW("jobId", BCON_UTF8(id));
	mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(c, query, NULL, NULL);
	const bson_t *doc;
	char *text = mongoc_cursor_next(cursor, &doc) ? bson_as_relaxed_extended_json(doc, NULL) : NULL;

	mongoc_cursor_destroy(cursor);
	bson_destroy(query);
	mongoc_collection_destroy(c);
	return text;
}

void assert_in_row(const char *row, const char *what)
{
	if (!row || !strstr(row, what))
		fail_msg("%s is not in %s", what, row ? row : "(no row)");
}

/* The store does it behind everybody's back. */
void wait_for_no_chunks(struct fixture *f)
{
	alarm(60);
	while (count_docs(f, "chunks") > 0) {
		struct timeval tv = { .tv_usec = 10000 };

		event_base_loopexit(f->base, &tv);
		event_base_dispatch(f->base);
	}
	alarm(0);
}

/* ---- before and after all ---- */

int start_all(void **state)
{
	char url[64];

	(void)state;
	signal(SIGALRM, give_up);
	(void)setenv("MONGOC_DISABLE_SHM", "1", 1); /* as in mongo.c */
	mongoc_init();
	mongoc_log_set_handler(NULL, NULL);
	test_server_start(&server);
	snprintf(url, sizeof(url), "mongodb://127.0.0.1:%d/", server.port);
	look = mongoc_client_new(url);
	return look ? 0 : -1;
}

int stop_all(void **state)
{
	(void)state;
	mongoc_client_destroy(look);
	test_server_remove(&server);
	return 0;
}
