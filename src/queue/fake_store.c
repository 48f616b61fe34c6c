/* SPDX-License-Identifier: MIT */
#include "queue/fake_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"

struct fake_store {
	struct store store;
	struct fake_rows *rows;
	struct later_queue later;
	bool stopped;
};

enum kind { OP_DONE, OP_GET, OP_COUNT, OP_UNFINISHED, OP_LOAD };

struct op {
	struct later later;
	struct fake_store *store;
	enum kind kind;
	bool failed;
	char id[JOB_ID_SIZE];
	int n;
	int64_t before_ms;
	union {
		store_done_fn *done;
		store_get_fn *get;
		store_count_fn *count;
		store_unfinished_fn *unfinished;
		store_load_fn *load;
	} fn;
	void *arg;
};

static struct fake_store *of(struct store *st)
{
	return container_of(st, struct fake_store, store);
}

struct fake_row *fake_rows_find(struct fake_rows *rows, const char *id)
{
	for (int i = 0; i < rows->n; i++) {
		if (strcmp(rows->rows[i].id, id) == 0)
			return &rows->rows[i];
	}
	return NULL;
}

static struct fake_row *row_new(struct fake_rows *rows, const char *id, const char *language)
{
	struct fake_row *row;

	if (rows->n == FAKE_ROWS_MAX)
		abort();
	row = &rows->rows[rows->n++];
	*row = (struct fake_row){ 0 };
	snprintf(row->id, sizeof(row->id), "%s", id);
	snprintf(row->language, sizeof(row->language), "%s", language ? language : "");
	return row;
}

static void tell_unfinished(struct op *o, const struct err *e)
{
	struct store_unfinished found[FAKE_ROWS_MAX];
	int n = 0;

	for (int i = 0; !e && i < o->store->rows->n && n < o->n; i++) {
		const struct fake_row *row = &o->store->rows->rows[i];

		if (row->result || row->rejected || row->created_ms >= o->before_ms ||
		    strcmp(row->id, o->id) <= 0)
			continue;
		memcpy(found[n].id, row->id, sizeof(row->id));
		found[n++].created_ms = row->created_ms;
	}
	o->fn.unfinished(found, n, e, o->arg);
}

static void tell_row(struct op *o, const struct err *e)
{
	struct fake_row *row = e ? NULL : fake_rows_find(o->store->rows, o->id);
	struct store_row answer;

	if (row && row->rejected)
		row = NULL;
	if (o->kind == OP_LOAD) {
		o->fn.load(row && !row->result ? row->submission : NULL, e, o->arg);
		return;
	}
	if (!row) {
		o->fn.get(NULL, e, o->arg);
		return;
	}
	answer = (struct store_row){ row->created_ms, row->language, row->result };
	o->fn.get(&answer, NULL, o->arg);
}

static void op_run(struct later *l)
{
	struct op *o = container_of(l, struct op, later);
	struct err e, *why = NULL;

	if (o->failed) {
		err_set(&e, ERR_BUSY, 0, "The store is broken.");
		why = &e;
	}
	switch (o->kind) {
	case OP_DONE:
		if (o->fn.done)
			o->fn.done(why, o->arg);
		break;
	case OP_COUNT:
		o->fn.count(o->n, why, o->arg);
		break;
	case OP_UNFINISHED:
		tell_unfinished(o, why);
		break;
	case OP_GET:
	case OP_LOAD:
		tell_row(o, why);
		break;
	}
	free(o);
}

static struct op *op_new(struct store *st, enum kind kind, void *arg)
{
	struct op *o = calloc(1, sizeof(*o));

	if (!o)
		abort();
	o->store = of(st);
	o->kind = kind;
	o->arg = arg;
	o->failed = o->store->rows->broken || o->store->stopped;
	later_init(&o->later);
	later_call(&o->store->later, &o->later, op_run);
	return o;
}

static void create(struct store *st, struct submission *s, store_done_fn *done, void *arg)
{
	struct op *o = op_new(st, OP_DONE, arg);
	struct fake_row *row = fake_rows_find(of(st)->rows, s->id);

	o->fn.done = done;
	if (o->failed)
		return;
	if (row && row->result && row->created_ms < s->created_ms)
		result_unref(TAKE(row->result));
	else if (row)
		return;
	if (!row)
		row = row_new(of(st)->rows, s->id, s->language);
	submission_unref(row->submission);
	row->submission = submission_ref(s);
	row->created_ms = s->created_ms;
}

static void finish(struct store *st, const struct store_finish *f, store_done_fn *done, void *arg)
{
	struct op *o = op_new(st, OP_DONE, arg);
	struct fake_row *row = fake_rows_find(of(st)->rows, f->result->id);

	o->fn.done = done;
	*f->ret_applied = false;
	if (o->failed || (row && (row->result || row->rejected)))
		return;
	if (!row) {
		row = row_new(of(st)->rows, f->result->id, f->result->language);
		row->created_ms = f->result->created_ms;
	}
	row->result = result_ref(f->result);
	*f->ret_applied = true;
	of(st)->rows->n_finishes++;
}

static void get(struct store *st, const char *id, store_get_fn *fn, void *arg)
{
	struct op *o = op_new(st, OP_GET, arg);

	snprintf(o->id, sizeof(o->id), "%s", id);
	o->fn.get = fn;
}

static void remove_row(struct store *st, const char *id, store_count_fn *fn, void *arg)
{
	struct op *o = op_new(st, OP_COUNT, arg);
	struct fake_row *row = fake_rows_find(of(st)->rows, id);

	o->fn.count = fn;
	if (!row || !row->result)
		return;
	o->n = 1;
	row->rejected = true;
}

static void sweep(struct store *st, int64_t now_ms, int max, store_count_fn *fn, void *arg)
{
	struct op *o = op_new(st, OP_COUNT, arg);

	(void)now_ms;
	(void)max;
	o->fn.count = fn;
}

static int ready(struct store *st, struct err *e)
{
	return of(st)->rows->broken ? err_set(e, ERR_BUSY, 0, "The store is broken.") : 0;
}

static void reject(struct store *st, const char *id, int64_t expires_ms, store_done_fn *done, void *arg)
{
	struct op *o = op_new(st, OP_DONE, arg);
	struct fake_row *row = fake_rows_find(of(st)->rows, id);

	(void)expires_ms;
	o->fn.done = done;
	if (row && !row->result)
		row->rejected = true;
}

static void unfinished(struct store *st, int64_t before_ms, const char *after, int max,
		       store_unfinished_fn *fn, void *arg)
{
	struct op *o = op_new(st, OP_UNFINISHED, arg);

	snprintf(o->id, sizeof(o->id), "%s", after);
	o->before_ms = before_ms;
	o->n = max;
	o->fn.unfinished = fn;
}

static void load(struct store *st, const char *id, store_load_fn *fn, void *arg)
{
	struct op *o = op_new(st, OP_LOAD, arg);

	snprintf(o->id, sizeof(o->id), "%s", id);
	o->fn.load = fn;
}

static bool stop(struct store *st)
{
	of(st)->stopped = true;
	return later_run(&of(st)->later);
}

static bool busy(const struct store *st)
{
	return !list_is_empty(&container_of(st, const struct fake_store, store)->later.calls);
}

static void close_store(struct store *st)
{
	while (stop(st))
		;
	later_queue_done(&of(st)->later);
	free(of(st));
}

static const struct store_ops ops = {
	.close = close_store,
	.create = create,
	.finish = finish,
	.get = get,
	.remove = remove_row,
	.sweep = sweep,
	.ready = ready,
	.reject = reject,
	.unfinished = unfinished,
	.load = load,
	.stop = stop,
	.busy = busy,
};

struct store *fake_store_open(struct event_base *base, struct fake_rows *rows)
{
	struct fake_store *st = calloc(1, sizeof(*st));

	if (!st)
		abort();
	st->store.ops = &ops;
	st->rows = rows;
	if (!later_queue_init(&st->later, base))
		abort();
	return &st->store;
}

void fake_rows_done(struct fake_rows *rows)
{
	for (int i = 0; i < rows->n; i++) {
		submission_unref(rows->rows[i].submission);
		result_unref(rows->rows[i].result);
	}
	*rows = (struct fake_rows){ 0 };
}
