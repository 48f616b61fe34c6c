/* SPDX-License-Identifier: MIT */
/*
 * The distributed flow over a Redis that says whatever it likes: the input is what it answers, in its
 * protocol (RESP), read by hiredis as always. redis_link.c is left out; the links here have no network, and
 * hand each answer to the command that has waited longest.
 *
 * The first byte chooses what the flow is (API, worker). What Redis answers to the loading of scripts, to
 * heartbeats, renewals and sweeps says nothing, so that is not taken from the input.
 */
#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "job/submission.h"
#include "lang/lang.h"
#include "queue/fake_store.h"
#include "queue/flow.h"
#include "queue/redis_link.h"
#include "queue/redis_scripts.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ANSWERS_MAX 64
#define TURNS_MAX   400

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

/* ---- links without a network ---- */

struct redis_link {
	struct redis_link_options o;
	struct event *rise;
	bool up;
};

struct pending {
	struct list node;
	struct redis_link *link;
	redis_reply_fn *fn;
	void *arg;
	bool subscription;
	char word[16]; /* the command */
	int script;    /* of EVAL and EVALSHA; -1 */
};

static struct list pendings;

static void rise(evutil_socket_t fd, short what, void *arg)
{
	struct redis_link *l = arg;

	(void)fd;
	(void)what;
	l->up = true;
	if (l->o.up)
		l->o.up(l->o.arg);
}

struct redis_link *redis_link_new(const struct redis_link_options *o)
{
	struct redis_link *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->o = *o;
	l->rise = event_new(o->base, -1, 0, rise, l);
	event_active(l->rise, EV_TIMEOUT, 0);
	return l;
}

static void tell(struct pending *p, const redisReply *r, const struct err *e)
{
	if (!p->subscription || !r)
		list_remove(&p->node);
	p->fn(r, e, p->arg);
	if (!p->subscription || !r)
		free(p);
}

void redis_link_shut(struct redis_link *l)
{
	struct pending *p;
	struct err e;
	bool any = true;

	l->up = false;
	(void)event_del(l->rise);
	err_set(&e, ERR_BUSY, 0, "The connection to Redis was lost.");
	while (any) {
		any = false;
		list_for_each (p, &pendings, struct pending, node) {
			if (p->link != l)
				continue;
			tell(p, NULL, &e);
			any = true;
			break;
		}
	}
}

void redis_link_free(struct redis_link *l)
{
	if (!l)
		return;
	redis_link_shut(l);
	event_free(l->rise);
	free(l);
}

bool redis_link_is_up(const struct redis_link *l)
{
	return l->up;
}

const char *redis_link_problem(const struct redis_link *l)
{
	(void)l;
	return "Redis is away";
}

static struct pending *pending_new(struct redis_link *l, redis_reply_fn *fn, void *arg)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->link = l;
	p->fn = fn;
	p->arg = arg;
	p->script = -1;
	list_push_back(&pendings, &p->node);
	return p;
}

bool redis_link_send(struct redis_link *l, const struct redis_args *a, redis_reply_fn *fn, void *arg)
{
	struct pending *p;

	if (!l->up)
		return false;
	p = pending_new(l, fn, arg);
	snprintf(p->word, sizeof(p->word), "%s", a->words[0]);
	if (strcmp(a->words[0], "EVALSHA") == 0)
		p->script = (int)strtol(a->words[1], NULL, 10);
	for (int s = 0; strcmp(a->words[0], "EVAL") == 0 && s < SCRIPT_COUNT; s++) {
		if (strcmp(a->words[1], redis_script_text((enum redis_script)s)) == 0)
			p->script = s;
	}
	return true;
}

bool redis_link_subscribe(struct redis_link *l, const char *channel, redis_reply_fn *fn, void *arg)
{
	if (!l->up)
		return false;
	must(strlen(channel) > 0);
	pending_new(l, fn, arg)->subscription = true;
	return true;
}

/* ---- answers ---- */

static void answer(struct pending *p, redisReply *r)
{
	struct err e;

	if (r->type == REDIS_REPLY_ERROR)
		err_set(&e, ERR_BUSY, 0, "Redis: %s", r->str);
	tell(p, r, r->type == REDIS_REPLY_ERROR ? &e : NULL);
}

/* What is answered without the input: the scripts' names are their numbers. */
static bool answer_plain(struct pending *p)
{
	static int next;
	char name[16];
	redisReply r = { .type = REDIS_REPLY_INTEGER };

	if (strcmp(p->word, "SCRIPT") == 0) {
		r.type = REDIS_REPLY_STRING;
		r.len = (size_t)snprintf(name, sizeof(name), "%d", next++ % SCRIPT_COUNT);
		r.str = name;
	} else if (p->script != SCRIPT_HEARTBEAT && p->script != SCRIPT_RENEW &&
		   p->script != SCRIPT_STALLED) {
		return false;
	}
	answer(p, &r);
	return true;
}

static struct pending *next_pending(void)
{
	struct pending *p;
	bool any = true;

	while (any) {
		any = false;
		list_for_each (p, &pendings, struct pending, node) {
			if (!p->subscription && answer_plain(p)) {
				any = true;
				break;
			}
		}
	}
	return list_first(&pendings, struct pending, node);
}

/* A subscription stays; it goes to the end of the line, so that the others have a turn. */
static bool deliver(redisReader *reader)
{
	struct pending *p = next_pending();
	void *reply = NULL;

	if (!p)
		return true;
	if (redisReaderGetReply(reader, &reply) != REDIS_OK || !reply)
		return false;
	if (p->subscription) {
		list_remove(&p->node);
		list_push_back(&pendings, &p->node);
	}
	answer(p, reply);
	freeReplyObject(reply);
	return true;
}

/* ---- who uses the flow ---- */

static char *run_argv[] = { (char *)"run", NULL };
static struct lang languages[] = { { .name = (char *)"python",
				     .source = (char *)"main.py",
				     .run = { run_argv, 1 },
				     .available = true,
				     .version = (char *)"3.11.2" } };
static struct lang_table langs = { languages, 1 };
#define LIMITS                                                           \
	{                                                                \
		10000, 20000, 256 << 20, 64, 1 << 20, 64 << 20, 64 << 20 \
	}
static const struct submission_policy policy = {
	.langs = &langs,
	.source_max = 4 << 20,
	.stdin_max = 4 << 20,
	.files_max = 10,
	.args_max = 10,
	.defaults = LIMITS,
	.maxima = LIMITS,
	.compile_defaults = LIMITS,
	.compile_maxima = LIMITS,
};

static struct flow_take *take;
static struct lease *leased;
static int n_leased;

static void on_lease(struct lease *l, void *arg)
{
	(void)arg;
	must(l->submission && l->submission->n_files > 0 && l->attempt >= 0);
	must(id_is_valid(l->submission->id) || id_is_foreign(l->submission->id));
	take = NULL;
	leased = l;
	n_leased++;
}

static void end_lease(void)
{
	struct lease *l = leased;
	struct result *r;

	leased = NULL;
	if (!l)
		return;
	if (n_leased % 2) {
		flow_give_back(l, n_leased % 4 == 1, "given back");
		return;
	}
	r = result_without_run(l->submission->id, l->submission->language, l->submission->created_ms, 1,
			       l->attempt, VERDICT_INTERNAL_ERROR, "It was not run.");
	must(r != NULL);
	flow_finish(l, r);
	result_unref(r);
}

static void on_got(const struct job_view *view, const struct err *e, void *arg)
{
	(void)e;
	(void)arg;
	if (view)
		must(view->state != JOB_FINISHED || view->result);
}

static void on_removed(enum flow_removal what, const struct err *e, void *arg)
{
	(void)what;
	(void)e;
	(void)arg;
}

static void on_done(const struct err *e, void *arg)
{
	(void)e;
	(void)arg;
}

static struct flow_watch *watch;

static void on_watched(struct result *r, void *arg)
{
	(void)arg;
	must(strcmp(r->id, "42") == 0);
	watch = NULL;
}

static void on_languages(const char *const *versions, void *arg)
{
	(void)arg;
	must(!versions[0] || strlen(versions[0]) < 1024);
}

static void submit(struct flow *f)
{
	static const char text[] = "{\"language\":\"python\",\"code\":\"1\"}";
	struct err e;
	AUTO(submission_unref_p) struct submission *s = submission_parse(text, sizeof(text) - 1, &policy, &e);

	must(s != NULL);
	s->created_ms = 1000;
	s->share = 3;
	id_new_owned(s->created_ms, "00000000", s->id);
	(void)flow_submit(f, s, on_done, NULL, &e);
}

static void use(struct flow *f, unsigned turn, bool takes)
{
	if (takes && !take && !leased)
		take = flow_take(f, on_lease, NULL);
	if (turn % 8 == 1)
		flow_get(f, "42", on_got, NULL);
	if (turn % 8 == 3)
		flow_remove(f, "43", on_removed, NULL);
	if (turn % 8 == 5)
		submit(f);
	if (turn % 4 == 3)
		end_lease();
}

static void play(struct event_base *base, struct flow *f, redisReader *reader, bool takes)
{
	watch = flow_watch(f, "42", on_watched, NULL);
	for (unsigned turn = 0, answers = 0; turn < TURNS_MAX && answers < ANSWERS_MAX; turn++) {
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
		use(f, turn, takes);
		if (turn < 3)
			continue;
		if (!deliver(reader))
			break;
		answers++;
	}
	end_lease();
	flow_take_cancel(&take);
	flow_unwatch(&watch);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	list_init(&pendings);
	log_setup(LOG_ERROR + 1, false, "fuzz");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_rows rows;
	struct event_base *base = event_base_new();
	redisReader *reader = redisReaderCreate();
	bool takes = size > 0 && (data[0] & 1);
	struct flow_redis_options o = {
		.url = "redis://127.0.0.1",
		.prefix = "bull",
		.name = "jobs",
		.max_queue = 100,
		.result_ttl_ms = 3600000,
		.attempts_max = 3,
		.inline_max = 1000,
		.serves = !takes || (data[0] & 2),
		.takes = takes,
		.slots = 2,
		.policy = &policy,
		.languages = on_languages,
	};
	struct err e;
	struct flow *f;

	must(base && reader);
	o.store = fake_store_open(base, &rows);
	f = flow_open_redis(base, &o, &e);
	must(f != NULL);
	if (size > 1)
		redisReaderFeed(reader, (const char *)data + 1, size - 1);
	play(base, f, reader, takes);
	flow_close(f);
	must(list_is_empty(&pendings));
	redisReaderFree(reader);
	event_base_free(base);
	fake_rows_done(&rows);
	rows = (struct fake_rows){ 0 };
	leased = NULL;
	n_leased = 0;
	return 0;
}
