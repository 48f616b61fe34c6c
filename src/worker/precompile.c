/* SPDX-License-Identifier: MIT */
#include "worker/precompile.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/sha256.h"
#include "cache/headers.h"
#include "cache/threads.h"
#include "cache/toolchain.h"
#include "sandbox/config.h"

#define ATTEMPTS_MAX 2

/* bits/stdc++.h makes 100 MB with gcc 12, which are there three times over: in the compiler, as a file, and
 * as our copy of it. All of it counts as memory. */
static const struct limits build_limits = {
	.cpu_ms = 120000,
	.wall_ms = 240000,
	.memory_bytes = (int64_t)1 << 30,
	.processes = 64,
	.output_bytes = 65536,
	.file_bytes = (int64_t)512 << 20,
	.disk_bytes = (int64_t)512 << 20,
};

enum item_state { ITEM_UNKNOWN, ITEM_MISSING, ITEM_READY, ITEM_FAILED };

struct item {
	char *header, *file, *stub;
	enum item_state state;
	int attempts;
};

/* The headers of one language. */
struct set {
	const struct lang *lang;
	struct item *items;
	size_t n;
	unsigned char toolchain[SHA256_SIZE]; /* that of the items, unless they are unknown */
	char name[SHA256_HEX_SIZE];
};

struct precompile {
	struct executor *executor;
	const struct lang_table *langs;
	int dir, rootfs;
	unsigned char secret[HEADERS_SECRET_SIZE];
	struct threads *thread;
	struct set *sets;
	size_t n;
	bool swept;
	char directory[sizeof(SANDBOX_HEADERS) + SHA256_HEX_SIZE];

	/* The one thing that is being done, by the executor or by the thread. */
	struct exec_run *run;
	bool works; /* the thread has `work` */
	struct work work;
	struct set *set;
	struct item *item;
	int artifacts_fd;
	struct err problem;
	struct {
		unsigned char toolchain[SHA256_SIZE];
		char name[SHA256_HEX_SIZE];
		bool whole[LANG_PRECOMPILE_MAX];
	} found; /* by the thread, about `set` */
};

/* ---- life ---- */

static char *fill(const struct lang *l, const struct lang_argv *line, const char *header)
{
	const struct lang_values values = { .header = header };
	struct lang_argv argv;
	char *text;

	if (lang_expand(l, line, &values, &argv) < 0)
		return NULL;
	text = TAKE(argv.items[0]);
	argv.n = 0;
	lang_argv_done(&argv);
	return text;
}

static char *with_newline(char *line)
{
	char *text = NULL;

	if (line && asprintf(&text, "%s\n", line) < 0)
		text = NULL;
	free(line);
	return text;
}

static bool fill_set(struct set *s, const struct lang *l)
{
	const struct lang_precompile *c = &l->precompile;

	s->lang = l;
	s->items = calloc(c->headers.n, sizeof(*s->items));
	if (!s->items)
		return false;
	for (; s->n < c->headers.n; s->n++) {
		struct item *i = &s->items[s->n];

		i->header = strdup(c->headers.items[s->n]);
		i->file = fill(l, &c->file, c->headers.items[s->n]);
		i->stub = with_newline(fill(l, &c->stub, c->headers.items[s->n]));
		if (!i->header || !i->file || !i->stub) {
			s->n++;
			return false;
		}
	}
	return true;
}

static bool fill_all(struct precompile *p)
{
	p->sets = calloc(p->langs->n + 1, sizeof(*p->sets));
	for (size_t i = 0; p->sets && i < p->langs->n; i++) {
		if (p->langs->langs[i].precompile.headers.n > 0 &&
		    !fill_set(&p->sets[p->n++], &p->langs->langs[i]))
			return false;
	}
	return p->sets;
}

struct precompile *precompile_new(struct event_base *base, struct executor *x, const struct lang_table *langs,
				  const struct precompile_options *options, struct err *e)
{
	struct precompile *p = calloc(1, sizeof(*p));

	if (!p) {
		err_set(e, ERR_IO, ENOMEM, "prepare precompiled headers");
		return NULL;
	}
	p->executor = x;
	p->langs = langs;
	p->rootfs = options->rootfs;
	p->artifacts_fd = -1;
	p->dir = headers_open(options->path, p->secret, e);
	p->thread = p->dir >= 0 ? threads_new(base, 1, e) : NULL;
	if (p->thread && !fill_all(p)) {
		err_set(e, ERR_IO, ENOMEM, "prepare precompiled headers");
		threads_free(TAKE(p->thread));
	}
	if (!p->thread) {
		precompile_free(p);
		return NULL;
	}
	return p;
}

static void set_free(struct set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->items[i].header);
		free(s->items[i].file);
		free(s->items[i].stub);
	}
	free(s->items);
}

static void drop_artifacts(struct precompile *p)
{
	if (p->artifacts_fd >= 0)
		(void)close(p->artifacts_fd);
	p->artifacts_fd = -1;
}

void precompile_free(struct precompile *p)
{
	if (!p)
		return;
	threads_free(p->thread);
	drop_artifacts(p);
	for (size_t i = 0; i < p->n; i++)
		set_free(&p->sets[i]);
	free(p->sets);
	if (p->dir >= 0)
		(void)close(p->dir);
	free(p);
}

/* ---- identity: which files these would be ---- */

static void add_list(struct sha256 *h, const struct lang_argv *list)
{
	sha256_update(h, &list->n, sizeof(list->n));
	for (size_t i = 0; i < list->n; i++)
		sha256_update(h, list->items[i], strlen(list->items[i]) + 1);
}

static void name_set(const struct precompile *p, const struct lang *l,
		     const unsigned char toolchain[SHA256_SIZE], char ret[SHA256_HEX_SIZE])
{
	unsigned char digest[SHA256_SIZE];
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, p->secret, sizeof(p->secret));
	sha256_update(&h, CODECRUSHER_VERSION, sizeof(CODECRUSHER_VERSION));
	sha256_update(&h, l->name, strlen(l->name) + 1);
	add_list(&h, &l->env);
	add_list(&h, &l->precompile.argv);
	add_list(&h, &l->precompile.file);
	add_list(&h, &l->precompile.stub);
	sha256_update(&h, toolchain, SHA256_SIZE);
	sha256_final(&h, digest);
	sha256_to_hex(digest, ret);
}

static struct headers_item on_disk(const char *set, const struct item *i)
{
	return (struct headers_item){ .set = set, .header = i->header, .file = i->file, .stub = i->stub };
}

/* In the thread: reads what stays as it is, writes `found` and `problem`. */
static void identify(struct work *w)
{
	struct precompile *p = container_of(w, struct precompile, work);
	const struct set *s = p->set;
	struct err e;

	p->problem.kind = ERR_NONE;
	if (toolchain_identity(p->rootfs, s->lang->precompile.argv.items[0], p->found.toolchain,
			       &p->problem) < 0)
		return;
	name_set(p, s->lang, p->found.toolchain, p->found.name);
	for (size_t i = 0; i < s->n; i++) {
		const struct headers_item item = on_disk(p->found.name, &s->items[i]);

		p->found.whole[i] = headers_check(p->dir, &item, &e) == 0;
	}
}

static void identified(struct work *w)
{
	struct precompile *p = container_of(w, struct precompile, work);
	struct set *s = p->set;
	bool known = p->problem.kind == ERR_NONE;

	p->works = false;
	if (!w->ran)
		return;
	memcpy(s->toolchain, p->found.toolchain, sizeof(s->toolchain));
	memcpy(s->name, p->found.name, sizeof(s->name));
	for (size_t i = 0; i < s->n; i++) {
		s->items[i].attempts = 0;
		s->items[i].state = !known ? ITEM_FAILED : p->found.whole[i] ? ITEM_READY : ITEM_MISSING;
	}
	if (!known)
		log_info(NULL, "%s: no precompiled headers: %s", s->lang->name, p->problem.msg);
}

static void sweep(struct work *w)
{
	struct precompile *p = container_of(w, struct precompile, work);
	const char **keep = calloc(p->n + 1, sizeof(*keep));

	for (size_t i = 0; keep && i < p->n; i++)
		keep[i] = p->sets[i].name;
	if (keep)
		headers_sweep(p->dir, keep, p->n);
	free(keep);
}

static void swept(struct work *w)
{
	container_of(w, struct precompile, work)->works = false;
}

/* ---- building ---- */

static void store(struct work *w)
{
	struct precompile *p = container_of(w, struct precompile, work);
	const struct headers_item item = on_disk(p->set->name, p->item);

	p->problem.kind = ERR_NONE;
	(void)headers_store(p->dir, &item, p->artifacts_fd, &p->problem);
}

static void note_failure(struct precompile *p, const char *why)
{
	if (++p->item->attempts < ATTEMPTS_MAX)
		return;
	p->item->state = ITEM_FAILED;
	log_warn(NULL, "%s: <%s> cannot be precompiled: %s", p->set->lang->name, p->item->header, why);
}

static void stored(struct work *w)
{
	struct precompile *p = container_of(w, struct precompile, work);

	p->works = false;
	drop_artifacts(p);
	if (!w->ran)
		return;
	if (p->problem.kind != ERR_NONE) {
		note_failure(p, p->problem.msg);
		return;
	}
	p->item->state = ITEM_READY;
	log_info(NULL, "%s: <%s> is precompiled", p->set->lang->name, p->item->header);
}

static void put(struct precompile *p, void (*run)(struct work *w), void (*done)(struct work *w))
{
	p->work = (struct work){ .run = run, .done = done };
	p->works = true;
	threads_put(p->thread, &p->work);
}

static void on_built(const struct exec_report *report, void *arg)
{
	struct precompile *p = arg;

	p->run = NULL;
	p->artifacts_fd = report->artifacts_fd;
	if (report->stop == EXEC_STOP_CANCELLED || (report->lost && !report->started && !report->refused)) {
		drop_artifacts(p); /* no fault of its own */
	} else if (!report->lost && report->artifacts_fd >= 0 && report->exit_code == 0) {
		put(p, store, stored);
	} else {
		char why[64];

		drop_artifacts(p);
		snprintf(why, sizeof(why), "the compiler ended with status %d", report->exit_code);
		note_failure(p, report->problem[0] ? report->problem : why);
	}
}

static int start(struct precompile *p, struct err *e)
{
	static const struct exec_events events = { .done = on_built };
	const struct lang *l = p->set->lang;
	const struct lang_values values = { .header = p->item->header };
	const char *const collect[] = { l->artifacts.items[0], NULL };
	static const char *const no_env[] = { NULL };
	struct lang_argv argv;
	struct exec_spec spec = {
		.image = l->image,
		.env = l->env.n > 0 ? (const char *const *)l->env.items : no_env,
		.artifacts_fd = -1,
		.stdin_fd = -1,
		.limits = build_limits,
		.collect = collect,
	};

	if (lang_expand(l, &l->precompile.argv, &values, &argv) < 0)
		return err_set(e, ERR_IO, ENOMEM, "precompile a header");
	spec.argv = (const char *const *)argv.items;
	p->run = executor_start(p->executor, &spec, &events, p, e);
	lang_argv_done(&argv);
	return p->run ? 0 : -1;
}

/* The next thing to do, as set and item; false when all is done. */
static bool find_next(struct precompile *p, enum item_state state)
{
	for (size_t s = 0; s < p->n; s++) {
		if (!p->sets[s].lang->available)
			continue;
		for (size_t i = 0; i < p->sets[s].n; i++) {
			if (p->sets[s].items[i].state != state)
				continue;
			p->set = &p->sets[s];
			p->item = &p->set->items[i];
			return true;
		}
	}
	return false;
}

bool precompile_go(struct precompile *p)
{
	struct exec_capacity capacity;
	struct err e = { 0 };

	if (p->run || p->works)
		return true;
	if (find_next(p, ITEM_UNKNOWN)) {
		put(p, identify, identified);
		return true;
	}
	if (!p->swept) {
		p->swept = true;
		put(p, sweep, swept);
		return true;
	}
	executor_capacity(p->executor, &capacity);
	if (capacity.ready == 0 || !find_next(p, ITEM_MISSING))
		return false;
	if (start(p, &e) < 0 && e.kind != ERR_BUSY)
		note_failure(p, e.msg);
	return true;
}

bool precompile_builds(const struct precompile *p)
{
	return p->run;
}

void precompile_yield(struct precompile *p)
{
	if (p->run)
		executor_cancel(p->run);
}

/* ---- using ---- */

static void forget(struct precompile *p, struct set *s)
{
	log_info(NULL, "%s: the toolchain has changed; its headers are precompiled anew", s->lang->name);
	for (size_t i = 0; i < s->n; i++)
		s->items[i].state = ITEM_UNKNOWN;
	p->swept = false;
}

static bool any_ready(const struct set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->items[i].state == ITEM_READY)
			return true;
	}
	return false;
}

const char *precompile_directory(struct precompile *p, const struct lang *l)
{
	unsigned char now[SHA256_SIZE];
	struct set *s = NULL;

	for (size_t i = 0; i < p->n && !s; i++) {
		if (p->sets[i].lang == l)
			s = &p->sets[i];
	}
	if (!s || !any_ready(s))
		return NULL;
	if (toolchain_identity(p->rootfs, l->precompile.argv.items[0], now, NULL) < 0 ||
	    memcmp(now, s->toolchain, sizeof(now)) != 0) {
		/* What is being made of the old toolchain is found out by the next compile. */
		if (p->set != s || (!p->works && !p->run))
			forget(p, s);
		return NULL;
	}
	snprintf(p->directory, sizeof(p->directory), "%s/%s", SANDBOX_HEADERS, s->name);
	return p->directory;
}

void precompile_count(const struct precompile *p, struct precompile_counts *ret)
{
	*ret = (struct precompile_counts){ 0 };
	for (size_t s = 0; s < p->n; s++) {
		for (size_t i = 0; i < p->sets[s].n && p->sets[s].lang->available; i++) {
			if (p->sets[s].items[i].state == ITEM_READY)
				ret->ready++;
			else
				ret->missing++;
		}
	}
}
