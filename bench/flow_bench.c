/* SPDX-License-Identifier: MIT */
/*
 * How fast the embedded queue is, with nothing and with N jobs waiting:
 *
 *	flow_bench DIR N
 *
 * DIR is a new or empty directory on the disk to be measured; N is filled up in it (default 1,000,000). Each
 * phase keeps 64 calls in flight, and counts those whose commit was synced.
 */
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "queue/flow.h"

#define IN_FLIGHT 64
#define MEASURED  20000

static struct event_base *base;
static struct flow *flow;
static int64_t to_start, to_end; /* calls still to be made, and to be answered */

static void fail(const char *text)
{
	fprintf(stderr, "flow_bench: %s\n", text);
	exit(1);
}

static struct submission *new_submission(void)
{
	static const char code[] = "import sys\n\nfor line in sys.stdin:\n    print(line.upper(), end='')\n";
	struct submission *s = submission_new();

	if (!s)
		fail("out of memory");
	s->created_ms = clock_wall_ms();
	id_new(s->created_ms, s->id);
	s->language = strdup("python");
	s->files = calloc(1, sizeof(*s->files));
	if (!s->files || !bytes_set(&s->files[0].content, code, sizeof(code) - 1))
		fail("out of memory");
	s->files[0].name = strdup("main.py");
	s->n_files = 1;
	return s;
}

static void submit_next(void);

static void on_submitted(const struct err *e, void *arg)
{
	(void)arg;
	if (e)
		fail(e->msg);
	if (--to_end == 0)
		event_base_loopbreak(base);
	submit_next();
}

static void submit_next(void)
{
	struct submission *s;
	struct err e;

	if (to_start == 0)
		return;
	to_start--;
	s = new_submission();
	if (flow_submit(flow, s, on_submitted, NULL, &e) < 0)
		fail(e.msg);
	submission_unref(s);
}

static void on_finished(struct result *r, void *arg)
{
	(void)r;
	(void)arg;
	if (--to_end == 0)
		event_base_loopbreak(base);
}

static void take_next(void);

static void on_taken(struct lease *l, void *arg)
{
	struct result *r = result_without_run(l->submission->id, "python", l->submission->created_ms,
					      clock_wall_ms(), l->attempt, VERDICT_OK, "HELLO");

	(void)arg;
	if (!r)
		fail("out of memory");
	flow_finish(l, r);
	result_unref(r);
}

static void take_next(void)
{
	if (to_start == 0)
		return;
	to_start--;
	flow_take(flow, on_taken, NULL);
}

static void on_finished_take_next(struct result *r, void *arg)
{
	on_finished(r, arg);
	take_next();
}

/* Calls a second. */
static double run(void (*next)(void), int64_t n, int in_flight)
{
	int64_t began = clock_mono_ns();

	to_start = to_end = n;
	for (int i = 0; i < in_flight; i++)
		next();
	event_base_dispatch(base);
	return (double)n * 1e9 / (double)(clock_mono_ns() - began);
}

static void measure(double *ret_submits, double *ret_takes)
{
	*ret_submits = run(submit_next, MEASURED, IN_FLIGHT);
	*ret_takes = run(take_next, MEASURED, IN_FLIGHT);
	printf("  submits  %9.0f /s durable, %d in flight\n", *ret_submits, IN_FLIGHT);
	printf("  take and finish %2.0f /s durable, %d in flight\n", *ret_takes, IN_FLIGHT);
}

int main(int argc, char *argv[])
{
	struct flow_options o = { .max_queue = INT64_MAX, .result_ttl_ms = 86400000, .attempts_max = 3 };
	int64_t n = argc > 2 ? strtoll(argv[2], NULL, 10) : 1000000;
	double submits[2], takes[2];
	struct err e;

	if (argc < 2 || n < 1) {
		fprintf(stderr, "Usage: flow_bench DIR [N]\n");
		return 2;
	}
	(void)mkdir(argv[1], 0700);
	base = event_base_new();
	o.data_dir = argv[1];
	flow = flow_open_sqlite(base, &o, &e);
	if (!flow)
		fail(e.msg);
	flow_observe(flow, on_finished_take_next, NULL);
	printf("nothing waits:\n");
	measure(&submits[0], &takes[0]);
	printf("filling up: %.0f /s, 4096 in flight\n", run(submit_next, n, 4096));
	printf("%" PRId64 " wait:\n", n);
	measure(&submits[1], &takes[1]);
	printf("ratio, empty to full: submit %.2f, take and finish %.2f\n", submits[0] / submits[1],
	       takes[0] / takes[1]);
	flow_close(flow);
	event_base_free(base);
	return 0;
}
