/* SPDX-License-Identifier: MIT */
/* What the server counts, in the text format of Prometheus (0.0.4). One process, since its start. */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "base/cleanup.h"
#include "job/job.h"
#include "lang/lang.h"

struct metrics;

/* `langs` is borrowed: one row per language and verdict, and "other" for what it does not name. */
struct metrics *metrics_new(const struct lang_table *langs);
void metrics_free(struct metrics *m);
DEFINE_AUTO(struct metrics, metrics_free)

void metrics_count_accepted(struct metrics *m);
/* A flow_watch_fn: each result, once it is durable. */
void metrics_count_result(struct result *r, void *metrics);

#endif
