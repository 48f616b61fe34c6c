/* SPDX-License-Identifier: MIT */
#include "cmd/engine.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api/door.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cache/cache.h"
#include "cmd/children.h"
#include "cmd/cmd.h"
#include "cmd/control.h"
#include "cmd/engine_flow.h"
#include "cmd/keys_file.h"
#include "cmd/listener.h"
#include "executor/docker.h"
#include "executor/native.h"
#include "queue/flow.h"
#include "worker/precompile.h"
#include "worker/worker.h"

/* The running jobs have ended by then: this is for what is not yet durable, and for clients to take their
 * answers. */
#define API_DRAIN_MS 1000

/* After this the API opens even if no language is known. */
#define LISTEN_AFTER_S 2

struct engine {
	const struct engine_setup *setup;
	struct event_base *base;
	struct event *term;  /* SIGTERM */
	struct event *drain; /* SIGUSR1 */
	struct event *late;  /* the languages took too long */
	struct event *news;  /* something on `control` */
	int control;
	int plugin; /* engine_open_plugin's */
	struct executor *executor;
	struct cache *cache;	       /* NULL: compiled programs are not kept */
	struct precompile *precompile; /* NULL: no headers are */
	struct flow *flow;
	struct submission_policy policy;
	struct worker *worker;
	struct door *door;
	struct api *api;
	bool stopping;
	int code; /* exit status */
};

/* ---- the spawner ---- */

static void on_attached(unsigned slots, uint32_t weak, void *arg)
{
	(void)weak; /* the spawner has warned of each */
	(void)arg;
	log_info(NULL, "the spawner is ready with %u slots", slots);
}

static void on_detached(const struct err *why, void *arg)
{
	const struct engine *n = arg;

	if (!n->stopping)
		log_warn(NULL, "%s", why->msg);
}

static void attach(struct engine *n, int spawner)
{
	struct err e;

	if (native_attach(n->executor, spawner, &e) < 0)
		log_error(NULL, "%s", e.msg);
}

static void renew_keys(struct engine *n, int fd)
{
	size_t n_keys;
	struct err e;

	if (door_read_keys(n->door, fd, &n_keys, &e) < 0)
		log_error(NULL, "%s; the keys known so far stay in force", e.msg);
	else
		log_info(NULL, "read the API keys again: there are %zu", n_keys);
	(void)close(fd);
}

static void on_news(evutil_socket_t control, short what, void *arg)
{
	struct engine *n = arg;
	enum control_kind kind;
	struct err e;
	int fd = control_receive((int)control, &kind, &e);

	(void)what;
	if (fd >= 0 && kind == CONTROL_SPAWNER) {
		attach(n, fd);
	} else if (fd >= 0) {
		renew_keys(n, fd);
	} else if (e.kind != ERR_BUSY) {
		/* The monitor is dead, and we are about to be. */
		log_error(NULL, "%s", e.msg);
		(void)event_del(n->news);
	}
}

/* ---- or the Docker Engine ---- */

static void on_docker(const char *version, void *arg)
{
	(void)arg;
	log_info(NULL, "the Docker Engine %.40s is ready", version);
}

static void on_docker_problem(const struct err *why, void *arg)
{
	const struct engine *n = arg;

	if (!n->stopping)
		log_warn(NULL, "%s", why->msg);
}

static struct executor *open_docker(struct engine *n, struct err *e)
{
	const struct conf *c = n->setup->conf;
	const struct docker_options options = {
		.socket = c->docker_socket,
		.runtime = c->docker_runtime,
		.box = n->setup->box,
		.slots = n->setup->slots,
		.spares = (unsigned)c->docker_spares,
		.millicpus = c->slot_millicpus,
		.attached = on_docker,
		.problem = on_docker_problem,
		.arg = n,
	};

	return docker_new(n->base, &options, e);
}

static struct executor *open_native(struct engine *n, struct err *e)
{
	const struct native_options options = {
		.slots = n->setup->slots, .attached = on_attached, .detached = on_detached, .arg = n
	};

	return native_new(n->base, &options, e);
}

/* ---- shutdown: worker, then clients, then what is not yet durable ---- */

static void on_durable(const struct err *e, void *arg)
{
	const struct engine *n = arg;

	if (e)
		log_error(NULL, "not everything could be stored: %s", e->msg);
	event_base_loopexit(n->base, NULL);
}

static void on_api_drained(void *arg)
{
	struct engine *n = arg;

	flow_drain(n->flow, on_durable, n);
}

static void on_worker_drained(void *arg)
{
	struct engine *n = arg;

	if (n->api)
		api_drain(n->api, API_DRAIN_MS, on_api_drained, n);
	else
		on_api_drained(n);
}

static void stop(struct engine *n, int64_t deadline_ms)
{
	n->stopping = true;
	if (!n->worker) {
		log_info(NULL, "stopping");
		on_worker_drained(n);
		return;
	}
	flow_retire(n->flow);
	worker_drain(n->worker, deadline_ms, on_worker_drained, n);
}

static void on_term(evutil_socket_t sig, short what, void *arg)
{
	struct engine *n = arg;
	int64_t ms = n->setup->conf->shutdown_s * 1000;

	(void)sig;
	(void)what;
	if (n->worker)
		log_info(NULL, "stopping: %u jobs run, and have %lld s to end", worker_running(n->worker),
			 (long long)n->setup->conf->shutdown_s);
	if (!n->stopping)
		stop(n, ms);
	else if (n->worker)
		worker_hurry(n->worker, ms);
}

static void on_drain(evutil_socket_t sig, short what, void *arg)
{
	struct engine *n = arg;

	(void)sig;
	(void)what;
	if (n->stopping)
		return;
	if (n->worker)
		log_info(NULL, "draining: %u jobs run, and have all their time", worker_running(n->worker));
	stop(n, WORKER_NO_DEADLINE);
}

/* ---- start ---- */

static int open_api(struct engine *n, struct err *e)
{
	const struct api_options options = {
		.base = n->base,
		.listen_fd = n->setup->listener,
		.flow = n->flow,
		.langs = n->setup->langs,
		.conf = n->setup->conf,
		.door = n->door,
		.executor = n->executor,
		.cache = n->cache,
		.precompile = n->precompile,
	};

	n->api = api_new(&options, e);
	return n->api ? 0 : -1;
}

static void say_languages(const struct lang_table *langs)
{
	for (size_t i = 0; i < langs->n; i++) {
		const struct lang *l = &langs->langs[i];

		if (l->available)
			log_debug(NULL, "%s %s", l->name, l->version ? l->version : "is available");
		else
			log_warn(NULL, "%s is not available: install %s", l->name,
				 l->package ? l->package : "its toolchain");
	}
}

/* Not before the languages are known, if that does not take long: a client that comes while the engine is
 * restarted waits in the backlog instead of hearing that nothing can be run here. */
static void start_listening(struct engine *n)
{
	char url[LISTENER_URL_SIZE] = "";
	struct err e;

	if (n->api || n->stopping || !n->setup->serves)
		return;
	if (open_api(n, &e) < 0) {
		log_error(NULL, "%s", e.msg);
		n->code = EXIT_CODE_CONFIG;
		event_base_loopbreak(n->base);
		return;
	}
	(void)listener_url(n->setup->listener, url, sizeof(url));
	log_info(NULL, "listening on %s", url);
}

static void on_probed(void *arg)
{
	struct engine *n = arg;

	say_languages(n->setup->langs);
	flow_publish(n->flow);
	start_listening(n);
}

/* Results can be fetched and jobs can be queued without a container. */
static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct engine *n = arg;

	(void)fd;
	(void)what;
	if (!n->api && !n->stopping && n->setup->works)
		log_warn(NULL, "no container could be started yet; results can be fetched meanwhile");
	else if (!n->api && !n->stopping)
		log_warn(NULL, "no worker is known yet; results can be fetched meanwhile");
	start_listening(n);
}

static void set_language(struct lang *l, const char *version)
{
	bool known = version && version[0];

	l->available = version != NULL;
	if (known && l->version && strcmp(l->version, version) == 0)
		return;
	free(l->version);
	l->version = known ? strdup(version) : NULL;
}

/* An API without a worker can run what the live workers can. */
static void on_languages(const char *const *versions, void *arg)
{
	struct engine *n = arg;
	bool any = false;

	for (size_t i = 0; i < n->setup->langs->n; i++) {
		set_language(&n->setup->langs->langs[i], versions[i]);
		any |= versions[i] != NULL;
	}
	if (any)
		start_listening(n);
}

static int open_flow(struct engine *n, struct err *e)
{
	n->flow = engine_open_flow(n->base, n->setup, n->plugin, &n->policy, on_languages, n, e);
	return n->flow ? 0 : -1;
}

/* Either is something to do without. */
static void open_compile_path(struct engine *n)
{
	const struct compile_dirs *d = &n->setup->compile;
	const struct cache_options cache = {
		.path = d->cache,
		.max_bytes = n->setup->conf->compile_cache,
		.rootfs = d->rootfs,
		.shared = n->setup->conf->compile_cache_shared,
	};
	const struct precompile_options headers = { .path = d->headers, .rootfs = d->rootfs };
	struct err e;

	if (d->cache) {
		n->cache = cache_new(n->base, &cache, &e);
		if (!n->cache)
			log_warn(NULL, "compiled programs are not kept: %s", e.msg);
	}
	if (d->headers) {
		n->precompile = precompile_new(n->base, n->executor, n->setup->langs, &headers, &e);
		if (!n->precompile)
			log_warn(NULL, "no headers are precompiled: %s", e.msg);
	}
}

static int open_worker(struct engine *n, struct err *e)
{
	const struct worker_options options = {
		.cache = n->cache,
		.precompile = n->precompile,
		.concurrency = n->setup->slots,
		.probed = on_probed,
		.arg = n,
	};

	n->worker = worker_new(n->base, n->flow, n->executor, n->setup->langs, &options, e);
	return n->worker ? 0 : -1;
}

static int open_events(struct engine *n, struct err *e)
{
	if (evthread_use_pthreads() < 0)
		return err_set(e, ERR_IO, 0, "libevent cannot use threads");
	n->base = event_base_new();
	n->term = n->base ? evsignal_new(n->base, SIGTERM, on_term, n) : NULL;
	n->drain = n->term ? evsignal_new(n->base, SIGUSR1, on_drain, n) : NULL;
	n->late = n->drain ? evtimer_new(n->base, on_late, n) : NULL;
	n->news = n->late ? event_new(n->base, n->control, EV_READ | EV_PERSIST, on_news, n) : NULL;
	if (!n->news)
		return err_set(e, ERR_IO, ENOMEM, "starting the event loop");
	return 0;
}

static int open_door(struct engine *n, int keys, struct err *e)
{
	size_t n_keys;

	n->door = door_new(n->setup->conf);
	if (!n->door)
		return err_set(e, ERR_IO, ENOMEM, "opening the door");
	if (keys < 0)
		return 0;
	if (door_read_keys(n->door, keys, &n_keys, e) < 0)
		return -1;
	if (n_keys == 0)
		log_warn(NULL,
			 "API_KEYS_FILE has no key, so nobody can use the API (codecrusher key makes one)");
	return 0;
}

static int open_all(struct engine *n, int spawner, int keys, struct err *e)
{
	const struct timeval late = { .tv_sec = LISTEN_AFTER_S };

	if (open_door(n, keys, e) < 0 || open_events(n, e) < 0)
		return -1;
	if (open_flow(n, e) < 0)
		return -1;
	if (n->setup->works) {
		n->executor = n->setup->box ? open_docker(n, e) : open_native(n, e);
		if (!n->executor)
			return -1;
		open_compile_path(n);
		if (open_worker(n, e) < 0)
			return -1;
	}
	if (spawner >= 0)
		attach(n, spawner);
	if (event_add(n->term, NULL) < 0 || event_add(n->drain, NULL) < 0 || event_add(n->news, NULL) < 0 ||
	    (n->setup->serves && event_add(n->late, &late) < 0))
		return err_set(e, ERR_IO, 0, "starting the event loop");
	return 0;
}

static void close_all(struct engine *n)
{
	executor_free(n->executor);
	worker_free(n->worker);
	precompile_free(n->precompile);
	cache_free(n->cache);
	if (n->flow)
		flow_close(n->flow);
	api_free(n->api);
	door_free(n->door);
	if (n->news)
		event_free(n->news);
	if (n->late)
		event_free(n->late);
	if (n->drain)
		event_free(n->drain);
	if (n->term)
		event_free(n->term);
	if (n->base)
		event_base_free(n->base);
	(void)close(n->control);
	if (n->plugin > 0)
		(void)close(n->plugin);
	libevent_global_shutdown();
}

/* While still root, if it is. *ret_fd is -1 when there is none. */
static int open_keys(const struct engine_setup *setup, int *ret_fd, struct err *e)
{
	const char *path = setup->conf->api_keys_file;

	*ret_fd = -1;
	if (!setup->serves || !path[0])
		return 0;
	*ret_fd = keys_file_open(path, e);
	return *ret_fd < 0 ? -1 : 0;
}

/* Whatever a terminal or a parent left us: nothing of it is ours. */
static int settle(const struct engine_setup *setup, pid_t parent, struct err *e)
{
	AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return err_set(e, ERR_IO, errno, "opening /dev/null");
	(void)umask(0077);
	if (privileges_drop(&setup->account, e) < 0)
		return -1;
	children_die_with(parent);
	if (chdir("/") < 0)
		return err_set(e, ERR_IO, errno, "changing to /");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	/* Large requests and results do not live long. Each in a mapping of its own, the system has its
	 * memory back at once; left alone, glibc raises this bound with each large block that is freed
	 * (mallopt(3)), and what small ones lie between stays for good. */
	(void)mallopt(M_MMAP_THRESHOLD, 128 << 10);
	return 0;
}

int engine_main(const struct engine_setup *setup, int spawner, int control, pid_t parent)
{
	struct engine n = { .setup = setup, .control = control };
	AUTO_CLOSE int keys = -1;
	struct err e;

	log_setup((enum log_level)setup->conf->log_level, setup->conf->log_json, "engine");
	n.plugin = engine_open_plugin(setup->conf);
	if (open_keys(setup, &keys, &e) < 0 || settle(setup, parent, &e) < 0 ||
	    open_all(&n, spawner, keys, &e) < 0) {
		log_error(NULL, "%s", e.msg);
		n.code = EXIT_CODE_CONFIG;
	} else if (event_base_dispatch(n.base) < 0) {
		log_error(NULL, "the event loop failed");
		n.code = EXIT_CODE_FAILED;
	}
	close_all(&n);
	return n.code;
}
