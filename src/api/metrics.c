/* SPDX-License-Identifier: MIT */
/* GET /metrics */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/private.h"
#include "base/clock.h"
#include "cache/cache.h"
#include "worker/precompile.h"

static const double bounds[] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
				 0.5,	1,	2.5,   5,    10,    30,	  60 };
#define N_BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

struct histogram {
	int64_t counts[N_BOUNDS + 1]; /* each value in one; the last: over every bound */
	int64_t sum_us;
};

struct metrics {
	const struct lang_table *langs;
	int64_t accepted;
	int64_t (*finished)[VERDICT_COUNT]; /* langs->n rows, and one for other names */
	struct histogram run, compile, queue;
};

struct metrics *metrics_new(const struct lang_table *langs)
{
	AUTO(metrics_free_p) struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->langs = langs;
	m->finished = calloc(langs->n + 1, sizeof(*m->finished));
	return m->finished ? TAKE(m) : NULL;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	free(m->finished);
	free(m);
}

void metrics_count_accepted(struct metrics *m)
{
	m->accepted++;
}

static void observe(struct histogram *h, int64_t us)
{
	size_t i = 0;

	if (us < 0)
		us = 0; /* the wall clock was set back */
	while (i < N_BOUNDS && (double)us > bounds[i] * 1e6)
		i++;
	h->counts[i]++;
	h->sum_us += us;
}

void metrics_count_result(struct result *r, void *metrics)
{
	struct metrics *m = metrics;
	size_t i = 0;

	while (i < m->langs->n && (!r->language || strcmp(m->langs->langs[i].name, r->language) != 0))
		i++;
	m->finished[i][r->verdict]++;
	if (r->started_ms)
		observe(&m->queue, (r->started_ms - r->created_ms) * 1000);
	/* A cached compile took no compiler's time. */
	if (r->compiled && !r->compile.cached)
		observe(&m->compile, r->compile.wall_us);
	if (r->ran)
		observe(&m->run, r->run.wall_us);
}

static void add_head(struct buf *out, const char *name, const char *type, const char *help)
{
	(void)buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_value(struct buf *out, const char *name, const char *type, const char *help, int64_t value)
{
	add_head(out, name, type, help);
	(void)buf_printf(out, "%s %" PRId64 "\n", name, value);
}

static void add_histogram(struct buf *out, const char *name, const char *help, const struct histogram *h)
{
	int64_t sum = 0;

	add_head(out, name, "histogram", help);
	for (size_t i = 0; i < N_BOUNDS; i++) {
		sum += h->counts[i];
		(void)buf_printf(out, "%s_bucket{le=\"%g\"} %" PRId64 "\n", name, bounds[i], sum);
	}
	sum += h->counts[N_BOUNDS];
	(void)buf_printf(out, "%s_bucket{le=\"+Inf\"} %" PRId64 "\n%s_sum %.6f\n%s_count %" PRId64 "\n", name,
			 sum, name, (double)h->sum_us / 1e6, name, sum);
}

static void add_jobs(struct buf *out, const struct metrics *m)
{
	add_value(out, "codecrusher_jobs_accepted_total", "counter", "Jobs made durable.", m->accepted);
	add_head(out, "codecrusher_jobs_finished_total", "counter", "Jobs with a durable result.");
	for (size_t i = 0; i <= m->langs->n; i++)
		for (int v = 0; v < VERDICT_COUNT; v++)
			if (m->finished[i][v] > 0)
				(void)buf_printf(out,
						 "codecrusher_jobs_finished_total{language=\"%s\",verdict=\"%"
						 "s\"} %" PRId64 "\n",
						 i < m->langs->n ? m->langs->langs[i].name : "other",
						 verdict_name((enum verdict)v), m->finished[i][v]);
	add_histogram(out, "codecrusher_run_seconds", "Wall time of programs.", &m->run);
	add_histogram(out, "codecrusher_queue_seconds", "From a job's creation to its start.", &m->queue);
	add_histogram(out, "codecrusher_compile_seconds", "Wall time of compilers.", &m->compile);
}

static void add_queue(struct buf *out, struct flow *f)
{
	struct flow_counts c;
	int64_t age = 0;

	flow_counts(f, &c);
	if (c.oldest_queued_ms > 0)
		age = clock_wall_ms() - c.oldest_queued_ms;
	add_value(out, "codecrusher_queue_depth", "gauge", "Jobs that wait to run.", c.queued);
	add_value(out, "codecrusher_jobs_running", "gauge", "Jobs that run.", c.running);
	if (c.workers >= 0) {
		add_value(out, "codecrusher_workers", "gauge", "Live workers of the queue that take jobs.",
			  c.workers);
		add_value(out, "codecrusher_worker_slots", "gauge", "Programs that those can run at once.",
			  c.worker_slots);
		add_head(out, "codecrusher_queue_ended_total", "counter",
			 "Jobs of the whole queue that ended, as the queue says; failed: not run, or "
			 "cancelled.");
		(void)buf_printf(out,
				 "codecrusher_queue_ended_total{state=\"completed\"} %" PRId64
				 "\ncodecrusher_queue_ended_total{state=\"failed\"} %" PRId64 "\n",
				 c.heard_completed, c.heard_failed);
	}
	add_head(out, "codecrusher_queue_oldest_age_seconds", "gauge",
		 "Age of the oldest job that waits; 0: none.");
	(void)buf_printf(out, "codecrusher_queue_oldest_age_seconds %.3f\n",
			 (double)(age > 0 ? age : 0) / 1000);
}

/* What /readyz says, for alarms of those who do not ask there. */
static void add_ready(struct buf *out, const struct api *a)
{
	struct err e;

	add_value(out, "codecrusher_ready", "gauge", "1 when submissions are accepted, as /readyz says.",
		  api_check_ready(a, &e) == 0);
}

static void add_slots(struct buf *out, struct executor *x)
{
	struct exec_capacity c = { 0 };
	unsigned used;

	executor_capacity(x, &c);
	used = c.ready + c.busy + c.broken;
	add_head(out, "codecrusher_slots", "gauge", "Containers by what they do.");
	(void)buf_printf(
		out,
		"codecrusher_slots{state=\"ready\"} %u\ncodecrusher_slots{state=\"busy\"} %u\n"
		"codecrusher_slots{state=\"broken\"} %u\ncodecrusher_slots{state=\"preparing\"} %u\n",
		c.ready, c.busy, c.broken, c.slots > used ? c.slots - used : 0);
}

static void add_warm(struct buf *out, const struct metrics *m, struct executor *x)
{
	static const struct {
		const char *name, *help;
		size_t offset;
		double unit;
	} rows[] = {
		{ "codecrusher_warm_hits_total", "Runs that a started interpreter waited for.",
		  offsetof(struct exec_warm, hits), 1 },
		{ "codecrusher_warm_misses_total",
		  "Runs that could have had a started interpreter; none waited.",
		  offsetof(struct exec_warm, misses), 1 },
		{ "codecrusher_warm_age_seconds_total",
		  "How long the started interpreters that runs met had waited, in sum.",
		  offsetof(struct exec_warm, waited_us), 1e-6 },
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		add_head(out, rows[r].name, "counter", rows[r].help);
		for (size_t i = 0; i < m->langs->n; i++) {
			const struct lang *l = &m->langs->langs[i];
			struct exec_warm counts;

			if (l->warm_index == 0)
				continue;
			executor_warm(x, l->warm_index, &counts);
			(void)buf_printf(
				out, "%s{language=\"%s\"} %.15g\n", rows[r].name, l->name,
				rows[r].unit *
					(double)*(const int64_t *)(const void *)((const char *)&counts +
										 rows[r].offset));
		}
	}
}

static void add_cache(struct buf *out, struct cache *cache)
{
	struct cache_counts c;

	cache_count(cache, &c);
	add_value(out, "codecrusher_compile_cache_hits_total", "counter",
		  "Programs that no compiler had to make again.", c.hits);
	add_value(out, "codecrusher_compile_cache_negative_hits_total", "counter",
		  "Compile errors that no compiler had to find again.", c.refusals);
	add_value(out, "codecrusher_compile_cache_misses_total", "counter",
		  "Compiles that had not been done before.", c.misses);
	add_value(out, "codecrusher_compile_cache_bytes", "gauge", "What the compile cache takes on disk.",
		  c.bytes);
}

static void add_precompiled(struct buf *out, const struct precompile *p)
{
	struct precompile_counts c;

	precompile_count(p, &c);
	add_head(out, "codecrusher_precompiled_headers", "gauge", "Headers that are to be compiled ahead.");
	(void)buf_printf(out,
			 "codecrusher_precompiled_headers{state=\"ready\"} %u\n"
			 "codecrusher_precompiled_headers{state=\"missing\"} %u\n",
			 c.ready, c.missing);
}

static void add_http(struct buf *out, const struct api *a)
{
	struct http_stats s;

	http_server_stats(a->http, &s);
	add_head(out, "codecrusher_http_requests_total", "counter", "Requests answered, by class of status.");
	for (int c = 2; c <= 5; c++)
		(void)buf_printf(out, "codecrusher_http_requests_total{class=\"%dxx\"} %" PRId64 "\n", c,
				 s.answers[c]);
	add_value(out, "codecrusher_http_connections", "gauge", "Open connections.", s.connections);
	add_value(out, "codecrusher_http_connections_refused_total", "counter", "Connections over the cap.",
		  s.refused);
	add_value(out, "codecrusher_http_body_bytes", "gauge", "Bytes of request bodies in flight.",
		  s.body_bytes);
	add_value(out, "codecrusher_waiting_clients", "gauge", "Requests that wait for a result.",
		  a->n_parked);
}

void metrics_get(struct http_exchange *x, const struct http_request *q, void *arg)
{
	struct api *a = arg;
	struct buf out;

	(void)q;
	buf_init(&out, 1 << 20);
	add_jobs(&out, a->metrics);
	add_ready(&out, a);
	add_queue(&out, a->options.flow);
	if (a->options.executor)
		add_slots(&out, a->options.executor);
	if (a->options.executor)
		add_warm(&out, a->metrics, a->options.executor);
	if (a->options.cache)
		add_cache(&out, a->options.cache);
	if (a->options.precompile)
		add_precompiled(&out, a->options.precompile);
	add_http(&out, a);
	door_add_metrics(a->options.door, &out);
	http_answer(x, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
}
