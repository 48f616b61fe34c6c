/* SPDX-License-Identifier: MIT */
#include "queue/flow_redis_scene.h"

#include "lang/lang.h"

struct redis_rig rig;
struct fake_rows rows;
struct bench api, worker, other;
const char *seen_version;

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

static void on_languages(const char *const *versions, void *arg)
{
	(void)arg;
	seen_version = versions[0] ? "3.11.2" : NULL;
}

void open_flow(struct bench *b, bool serves, bool takes)
{
	struct flow_redis_options o = {
		.url = rig.url,
		.prefix = "bull",
		.name = "jobs",
		.max_queue = 100,
		.result_ttl_ms = 3600000,
		.attempts_max = 3,
		.inline_max = 1000,
		.serves = serves,
		.takes = takes,
		.slots = 2,
		.policy = &policy,
		.languages = on_languages,
		.lock_ms = 600,
		.stalled_ms = 200,
		.reconcile_ms = 300,
	};
	struct err e = { 0 };

	b->base = api.base;
	o.store = fake_store_open(b->base, &rows);
	b->flow = flow_open_redis(b->base, &o, &e);
	if (!b->flow)
		fail_msg("%s", e.msg);
}

bool is_ready(struct bench *b)
{
	struct err e;

	return flow_ready(b->flow, &e) == 0;
}

int scene_setup(void **state)
{
	(void)state;
	api.base = event_base_new();
	redis_rig_start(&rig);
	open_flow(&api, true, false);
	open_flow(&worker, false, true);
	WAIT_FOR(&api, is_ready(&api) && is_ready(&worker));
	return 0;
}

void close_flow(struct bench *b)
{
	if (b->flow)
		flow_close(b->flow);
	b->flow = NULL;
}

int scene_teardown(void **state)
{
	(void)state;
	close_flow(&api);
	close_flow(&worker);
	close_flow(&other);
	event_base_free(api.base);
	fake_rows_done(&rows);
	redis_rig_done(&rig);
	return 0;
}

void on_watched(struct result *r, void *arg)
{
	*(struct result **)arg = result_ref(r);
}
