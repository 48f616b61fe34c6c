/* SPDX-License-Identifier: MIT */
#include "worker/probe.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

#define OUTPUT_MAX   65536
#define ATTEMPTS_MAX 3

/* Enough for the start of a virtual machine, and a bound for whatever a broken toolchain does. */
static const struct limits probe_limits = {
	.cpu_ms = 10000,
	.wall_ms = 20000,
	.memory_bytes = 512 << 20,
	.processes = 64,
	.output_bytes = OUTPUT_MAX,
	.file_bytes = 1 << 20,
	.disk_bytes = 16 << 20,
};

enum item_state { ITEM_WAITS, ITEM_RUNS, ITEM_KNOWN };

struct item {
	struct probe *probe;
	struct lang *lang;
	enum item_state state;
	int attempts;
	struct buf streams[2]; /* by enum exec_stream; some print their version to stderr */
};

struct probe {
	struct executor *executor;
	void (*done)(void *arg);
	void *arg;
	struct item *items;
	size_t n;
	size_t n_known;
};

struct probe *probe_new(struct executor *x, struct lang_table *langs, void (*done)(void *arg), void *arg)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (p)
		p->items = calloc(langs->n + 1, sizeof(*p->items));
	if (!p || !p->items) {
		free(p);
		return NULL;
	}
	p->executor = x;
	p->done = done;
	p->arg = arg;
	p->n = langs->n;
	for (size_t i = 0; i < p->n; i++) {
		p->items[i] = (struct item){ .probe = p, .lang = &langs->langs[i] };
		langs->langs[i].available = false;
		for (int k = 0; k < 2; k++)
			buf_init(&p->items[i].streams[k], OUTPUT_MAX);
	}
	return p;
}

void probe_free(struct probe *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		for (int k = 0; k < 2; k++)
			buf_done(&p->items[i].streams[k]);
	}
	free(p->items);
	free(p);
}

static void known(struct item *i, bool available)
{
	struct lang *l = i->lang;

	free(l->version);
	l->version = NULL;
	l->available = available;
	for (int k = 0; k < 2 && available && !l->version; k++)
		l->version = lang_find_version(buf_text(&i->streams[k]), i->streams[k].len);
	i->state = ITEM_KNOWN;
	i->probe->n_known++;
}

static void on_output(enum exec_stream stream, const char *data, size_t len, void *arg)
{
	struct item *i = arg;

	/* What does not fit is beyond any version. */
	(void)buf_add(&i->streams[stream], data, len);
}

static void on_done(const struct exec_report *report, void *arg)
{
	struct item *i = arg;
	struct probe *p = i->probe;

	if (report->artifacts_fd >= 0)
		(void)close(report->artifacts_fd);
	i->state = ITEM_WAITS;
	if (!report->lost)
		known(i, report->stop == EXEC_STOP_NONE && report->start_errno == 0 && report->signal == 0 &&
				 report->exit_code == 0);
	else if ((report->started || report->refused) && ++i->attempts == ATTEMPTS_MAX)
		known(i, false);
	probe_go(p);
}

static const struct exec_events item_events = { .output = on_output, .done = on_done };

/* False when the executor is busy. */
static bool start(struct item *i)
{
	static const char *const no_env[] = { NULL };
	struct exec_spec spec = {
		.image = i->lang->image,
		.argv = (const char *const *)i->lang->version_argv.items,
		.env = no_env,
		.artifacts_fd = -1,
		.stdin_fd = -1,
		.limits = probe_limits,
	};
	struct err e = { 0 };

	buf_clear(&i->streams[EXEC_STDOUT]);
	buf_clear(&i->streams[EXEC_STDERR]);
	if (executor_start(i->probe->executor, &spec, &item_events, i, &e))
		i->state = ITEM_RUNS;
	else if (e.kind == ERR_BUSY)
		return false;
	else
		known(i, false);
	return true;
}

void probe_go(struct probe *p)
{
	struct exec_capacity capacity;

	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].state != ITEM_WAITS)
			continue;
		executor_capacity(p->executor, &capacity);
		if (capacity.ready == 0 || !start(&p->items[i]))
			break;
	}
	if (p->n_known == p->n && p->done) {
		void (*done)(void *arg) = p->done;

		p->done = NULL;
		done(p->arg);
	}
}
