/* SPDX-License-Identifier: MIT */
/* For tests: a store of a distributed flow, in memory. Several flows of one process may share its rows. */
#ifndef QUEUE_FAKE_STORE_H
#define QUEUE_FAKE_STORE_H

#include "queue/later.h"
#include "store/store.h"

#define FAKE_ROWS_MAX 256

struct fake_row {
	struct submission *submission;
	int64_t created_ms;
	char id[JOB_ID_SIZE];
	char language[64];
	struct result *result;
	bool rejected;
};

struct fake_rows {
	struct fake_row rows[FAKE_ROWS_MAX];
	int n;
	int n_finishes; /* that were applied */
	bool broken;	/* everything fails */
};

struct event_base;
/* `rows` outlives every store over it. */
struct store *fake_store_open(struct event_base *base, struct fake_rows *rows);
struct fake_row *fake_rows_find(struct fake_rows *rows, const char *id);
void fake_rows_done(struct fake_rows *rows);

#endif
