/* SPDX-License-Identifier: MIT */
#include "cmd/engine_flow.h"

#include <fcntl.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/paths.h"
#include "queue/flow.h"
#include "store/mongo.h"

static struct flow *open_embedded(struct event_base *base, const struct conf *c, struct err *e)
{
	const struct flow_options options = {
		.data_dir = c->data_dir,
		.max_queue = c->max_queue,
		.result_ttl_ms = c->result_ttl_s * 1000,
		.attempts_max = (int)c->attempts_max,
	};

	return flow_open_sqlite(base, &options, e);
}

static void on_mongo(const struct err *e, const char *about, void *arg)
{
	(void)arg;
	if (e)
		log_error(NULL, "the store cannot be reached, results are kept and submits refused: %s",
			  e->msg);
	else
		log_info(NULL, "the store is %s", about[0] ? about : "there");
}

int engine_open_plugin(const struct conf *c)
{
	AUTO_FREE char *plugin = c->queue == CONF_BACKEND_SQLITE ? NULL : paths_mongo_plugin();
	int fd = plugin ? open(plugin, O_RDONLY | O_CLOEXEC) : -1;

	return fd > 0 ? fd : 0;
}

static struct store *open_mongo(struct event_base *base, const struct conf *c, int plugin_fd, struct err *e)
{
	AUTO_FREE char *plugin = paths_mongo_plugin();
	const struct store_mongo_options options = {
		.plugin = plugin,
		.plugin_fd = plugin_fd,
		.url = c->mongo_url,
		.change = on_mongo,
	};

	if (!plugin) {
		err_set(e, ERR_IO, 0, "out of memory");
		return NULL;
	}
	return store_mongo_open(base, &options, e);
}

struct flow *engine_open_flow(struct event_base *base, const struct engine_setup *setup, int plugin,
			      struct submission_policy *policy,
			      void (*languages)(const char *const *versions, void *arg), void *arg,
			      struct err *e)
{
	const struct conf *c = setup->conf;
	struct flow_redis_options options = {
		.url = c->redis_url,
		.prefix = c->queue_prefix,
		.name = c->queue_name,
		.max_queue = c->max_queue,
		.result_ttl_ms = c->result_ttl_s * 1000,
		.attempts_max = (int)c->attempts_max,
		.inline_max = (size_t)c->queue_inline,
		.takes = setup->works,
		.serves = setup->serves,
		.slots = setup->slots,
		.lock_ms = c->lease_s * 1000,
		.stalled_ms = c->lease_s * 1000,
		.reconcile_ms = c->reconcile_s * 1000,
		.policy = policy,
		.languages = languages,
		.arg = arg,
	};

	api_policy(c, setup->langs, policy);
	if (c->queue == CONF_BACKEND_SQLITE)
		return open_embedded(base, c, e);
	options.store = open_mongo(base, c, plugin, e);
	return options.store ? flow_open_redis(base, &options, e) : NULL;
}
