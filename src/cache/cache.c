/* SPDX-License-Identifier: MIT */
#include "cache/cache.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "cache/files.h"
#include "cache/threads.h"
#include "cache/toolchain.h"

/* Two, so that a large artefact does not hold up a small one. */
#define READERS 2

struct cache {
	struct cache_files *files;
	struct threads *readers;
	struct threads *writer;
	int rootfs;
	bool shared;
	bool stopped;
	struct list flights;
	struct cache_counts counts;
};

/* A compile that somebody leads, or whose outcome is on its way to disk. */
struct flight {
	struct list node; /* in the cache's flights */
	struct cache *cache;
	unsigned char key[CACHE_KEY_SIZE];
	struct cache_ticket *leader; /* NULL: settled */
	struct list waiting;	     /* tickets, in the order they came */
	struct cache_entry entry;    /* once settled */
	struct work work;	     /* writes the entry */
	struct err problem;
};

enum ticket_state { TICKET_ASKED, TICKET_WAITS, TICKET_LEADS };

struct cache_ticket {
	struct list node; /* in the flight's waiting ones */
	struct cache *cache;
	cache_answer_fn *fn;
	void *arg;
	enum ticket_state state;
	bool left; /* while it was asked: nobody listens */
	struct flight *flight;

	/* The question, and what a thread finds out. */
	struct work work;
	struct submission *submission;
	char *program;
	struct sha256 sum;
	unsigned char key[CACHE_KEY_SIZE];
	bool known;	    /* `key` is set; otherwise there is no such compiler */
	struct err problem; /* NONE: `entry` is it */
	struct cache_entry entry;
};

/* ---- life ---- */

struct cache *cache_new(struct event_base *base, const struct cache_options *options, struct err *e)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(e, ERR_IO, ENOMEM, "open the compile cache");
		return NULL;
	}
	list_init(&c->flights);
	c->rootfs = options->rootfs;
	c->shared = options->shared;
	c->files = cache_files_open(options->path, options->max_bytes, e);
	c->readers = c->files ? threads_new(base, READERS, e) : NULL;
	c->writer = c->readers ? threads_new(base, 1, e) : NULL;
	if (!c->writer) {
		cache_free(c);
		return NULL;
	}
	return c;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	threads_free(c->readers);
	threads_free(c->writer);
	assert(list_is_empty(&c->flights));
	cache_files_close(c->files);
	free(c);
}

void cache_stop(struct cache *c)
{
	c->stopped = true;
}

static void ticket_free(struct cache_ticket *t)
{
	submission_unref(t->submission);
	cache_entry_done(&t->entry);
	free(t->program);
	free(t);
}

static void flight_free(struct flight *f)
{
	list_remove(&f->node);
	cache_entry_done(&f->entry);
	free(f);
}

static struct flight *find_flight(struct cache *c, const unsigned char key[CACHE_KEY_SIZE])
{
	struct flight *f;

	list_for_each (f, &c->flights, struct flight, node) {
		if (memcmp(f->key, key, CACHE_KEY_SIZE) == 0)
			return f;
	}
	return NULL;
}

/* ---- answers ---- */

static void answer_found(struct cache_ticket *t, const struct cache_entry *entry)
{
	cache_answer_fn *fn = t->fn;
	void *arg = t->arg;

	if (entry->artifacts_fd >= 0)
		t->cache->counts.hits++;
	else
		t->cache->counts.refusals++;
	if (entry != &t->entry) {
		ticket_free(t);
		fn(entry, arg);
		return;
	}
	fn(entry, arg);
	ticket_free(t);
}

static void answer_lead(struct cache_ticket *t)
{
	t->state = TICKET_LEADS;
	if (t->cache->stopped)
		return;
	t->cache->counts.misses++;
	t->fn(NULL, t->arg);
}

/* A flight of its own. When memory is short it leads without one: nobody will wait for it. */
static void take_off(struct cache_ticket *t)
{
	struct flight *f = calloc(1, sizeof(*f));

	if (f) {
		f->cache = t->cache;
		memcpy(f->key, t->key, CACHE_KEY_SIZE);
		f->leader = t;
		f->entry.artifacts_fd = -1;
		list_init(&f->waiting);
		list_push_back(&t->cache->flights, &f->node);
		t->flight = f;
	}
	answer_lead(t);
}

static void board(struct cache_ticket *t)
{
	struct flight *f = find_flight(t->cache, t->key);

	if (!f) {
		take_off(t);
	} else if (!f->leader) {
		answer_found(t, &f->entry);
	} else {
		t->state = TICKET_WAITS;
		t->flight = f;
		list_push_back(&f->waiting, &t->node);
	}
}

/* ---- asking ---- */

/* In a thread: what the toolchain is now, what the files hold, whether the answer is on disk. */
static void look_up(struct work *w)
{
	struct cache_ticket *t = container_of(w, struct cache_ticket, work);
	unsigned char toolchain[SHA256_SIZE];

	if (toolchain_identity(t->cache->rootfs, t->program, toolchain, NULL) < 0)
		return;
	cache_key_files(&t->sum, t->submission);
	cache_key_end(&t->sum, toolchain, t->key);
	t->known = true;
	(void)cache_files_read(t->cache->files, t->key, clock_wall_ms(), &t->entry, &t->problem);
}

static void looked_up(struct work *w)
{
	struct cache_ticket *t = container_of(w, struct cache_ticket, work);

	if (t->problem.kind != ERR_NONE && t->problem.kind != ERR_NOT_FOUND)
		log_warn(NULL, "the compile cache lost an entry: %s", t->problem.msg);
	if (t->left || !w->ran)
		ticket_free(t);
	else if (!t->known)
		answer_lead(t);
	else if (t->problem.kind == ERR_NONE)
		answer_found(t, &t->entry);
	else
		board(t);
}

struct cache_ticket *cache_ask(struct cache *c, const struct cache_question *q, cache_answer_fn *fn,
			       void *arg)
{
	struct cache_question mine = *q;
	struct cache_ticket *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->program = strdup(q->spec->argv[0]);
	if (!t->program) {
		free(t);
		return NULL;
	}
	list_init(&t->node);
	t->cache = c;
	t->fn = fn;
	t->arg = arg;
	t->entry.artifacts_fd = -1;
	t->submission = submission_ref(q->submission);
	t->work = (struct work){ .run = look_up, .done = looked_up };
	if (c->shared)
		mine.tenant = "";
	cache_key_begin(&t->sum, &mine);
	threads_put(c->readers, &t->work);
	return t;
}

/* ---- the leader's end ---- */

static void write_down(struct work *w)
{
	struct flight *f = container_of(w, struct flight, work);

	(void)cache_files_write(f->cache->files, f->key, &f->entry, &f->problem);
}

static void written(struct work *w)
{
	struct flight *f = container_of(w, struct flight, work);

	if (f->problem.kind != ERR_NONE && f->problem.kind != ERR_LIMIT)
		log_warn(NULL, "the compile cache keeps nothing: %s", f->problem.msg);
	flight_free(f);
}

static struct cache_ticket *next_waiting(struct flight *f)
{
	struct cache_ticket *t = list_first(&f->waiting, struct cache_ticket, node);

	if (t)
		list_remove(&t->node);
	return t;
}

static void hand_over(struct flight *f)
{
	struct cache_ticket *next = next_waiting(f);

	f->leader = next;
	if (next)
		answer_lead(next);
	else
		flight_free(f);
}

void cache_settle(struct cache_ticket *t, const struct cache_entry *entry)
{
	struct flight *f = t->flight;
	struct cache_ticket *next;

	assert(t->state == TICKET_LEADS);
	ticket_free(t);
	if (!f)
		return;
	if (!cache_entry_copy(&f->entry, entry)) {
		hand_over(f);
		return;
	}
	/* From here on whoever asks is answered from memory. The writing comes last: its end frees the
	 * flight, though never inside threads_put. */
	f->leader = NULL;
	while ((next = next_waiting(f)))
		answer_found(next, &f->entry);
	f->work = (struct work){ .run = write_down, .done = written };
	threads_put(f->cache->writer, &f->work);
}

void cache_leave(struct cache_ticket *t)
{
	struct flight *f;

	if (!t)
		return;
	f = t->flight;
	if (t->state == TICKET_ASKED) {
		t->left = true;
		return;
	}
	if (t->state == TICKET_WAITS) {
		list_remove(&t->node);
		ticket_free(t);
		return;
	}
	ticket_free(t);
	if (f)
		hand_over(f);
}

void cache_count(struct cache *c, struct cache_counts *ret)
{
	const struct flight *f;

	*ret = c->counts;
	ret->bytes = cache_files_bytes(c->files);
	list_for_each (f, &c->flights, struct flight, node) {
		for (const struct list *n = f->waiting.next; n != &f->waiting; n = n->next)
			ret->waiting++;
	}
}
