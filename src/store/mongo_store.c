/* SPDX-License-Identifier: MIT */
/* The store as the program sees it: its opening and end, and the way of callbacks back to the loop. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/mongo_internal.h"
#include "store/mongo_plugin.h"

#define THREADS	    4
#define TIMEOUT_MS  5000
#define MAX_PENDING 10000
#define DATABASE    "codecrusher"

__attribute__((visibility("default"))) const char codecrusher_mongo_version[] = CODECRUSHER_VERSION;

/* ---- back to the loop ---- */

static void tell_change(struct mongo *m)
{
	char about[sizeof(m->about)];
	struct err why;
	enum gate gate;

	pthread_mutex_lock(&m->lock);
	gate = m->gate;
	why = m->why;
	memcpy(about, m->about, sizeof(about));
	pthread_mutex_unlock(&m->lock);
	if (gate == GATE_SHUT || gate == m->told)
		return;
	m->told = gate;
	if (m->options.change)
		m->options.change(gate == GATE_LOST ? &why : NULL, about, m->options.arg);
}

/* Whether there was any. */
static bool deliver(struct mongo *m)
{
	struct mongo_op *op;
	bool any = false;

	for (;;) {
		pthread_mutex_lock(&m->lock);
		op = list_first(&m->over, struct mongo_op, node);
		if (op)
			list_remove(&op->node);
		pthread_mutex_unlock(&m->lock);
		if (!op)
			return any;
		any = true;
		if (op->write)
			m->writing--;
		op->done(op, op->err.kind ? &op->err : NULL);
	}
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct mongo *m = arg;
	uint64_t n;

	(void)what;
	(void)!read((int)fd, &n, sizeof(n));
	tell_change(m);
	(void)deliver(m);
}

static bool stop(struct store *st)
{
	struct mongo *m = mongo_of(st);

	mongo_threads_stop(m);
	return deliver(m);
}

static bool busy(const struct store *st)
{
	return container_of(st, const struct mongo, store)->writing > 0;
}

static int ready(struct store *st, struct err *e)
{
	struct mongo *m = mongo_of(st);
	struct err why = { 0 };

	pthread_mutex_lock(&m->lock);
	if (m->gate == GATE_LOST)
		why = m->why;
	else if (m->gate == GATE_SHUT)
		err_set(&why, ERR_BUSY, 0, "MongoDB is not connected yet. Try again in a moment.");
	else if (clock_mono_ms() < m->full_until)
		why = m->full;
	pthread_mutex_unlock(&m->lock);
	if (!why.kind)
		return 0;
	if (e)
		*e = why;
	return -1;
}

/* ---- opening and closing ---- */

static void close_store(struct store *st)
{
	struct mongo *m = mongo_of(st);

	while (stop(st))
		;
	if (m->pool)
		mongoc_client_pool_destroy(m->pool);
	if (m->wake_event)
		event_free(m->wake_event);
	if (m->wake_fd >= 0)
		(void)close(m->wake_fd);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m->threads);
	free(m->database);
	free(m);
}

static const struct store_ops ops = {
	.close = close_store,
	.create = mongo_create,
	.finish = mongo_finish,
	.get = mongo_get,
	.remove = mongo_remove,
	.sweep = mongo_sweep,
	.ready = ready,
	.reject = mongo_reject,
	.unfinished = mongo_unfinished,
	.load = mongo_load,
	.stop = stop,
	.busy = busy,
};

static void set_default(mongoc_uri_t *uri, const char *option, int64_t value)
{
	if (mongoc_uri_get_option_as_int32(uri, option, -1) == -1)
		mongoc_uri_set_option_as_int32(uri, option, (int32_t)value);
}

/* What the URL asks for stays, but for what our promises stand on. */
static void complete_uri(mongoc_uri_t *uri, const struct store_mongo_options *options)
{
	mongoc_write_concern_t *write = mongoc_write_concern_new();
	mongoc_read_concern_t *read = mongoc_read_concern_new();
	mongoc_read_prefs_t *primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);

	mongoc_write_concern_set_w(write, MONGOC_WRITE_CONCERN_W_MAJORITY);
	mongoc_write_concern_set_journal(write, true);
	mongoc_write_concern_set_wtimeout_int64(write, options->timeout_ms);
	mongoc_uri_set_write_concern(uri, write);
	/* A result that was told must not be taken back by a new primary. */
	mongoc_read_concern_set_level(read, MONGOC_READ_CONCERN_LEVEL_MAJORITY);
	mongoc_uri_set_read_concern(uri, read);
	mongoc_uri_set_read_prefs_t(uri, primary);
	mongoc_write_concern_destroy(write);
	mongoc_read_concern_destroy(read);
	mongoc_read_prefs_destroy(primary);

	set_default(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, options->timeout_ms);
	set_default(uri, MONGOC_URI_CONNECTTIMEOUTMS, options->timeout_ms);
	/* Longer than wtimeout, so that the server's own answer comes first. */
	set_default(uri, MONGOC_URI_SOCKETTIMEOUTMS, options->timeout_ms + options->timeout_ms / 2);
	mongoc_uri_set_option_as_int32(uri, MONGOC_URI_MAXPOOLSIZE, options->threads);
	if (!mongoc_uri_get_appname(uri))
		(void)mongoc_uri_set_appname(uri, "codecrusher");
}

static int bad_url(const bson_error_t *why, const char *url, struct err *e)
{
	return err_set(e, ERR_INVALID, 0, "MONGO_URL cannot be used: %s",
		       mongo_without_password(why->message, url));
}

static int open_pool(struct mongo *m, struct err *e)
{
	const char *url = m->options.url;
	bson_error_t why;
	mongoc_uri_t *uri = mongoc_uri_new_with_error(url, &why);

	if (!uri)
		return bad_url(&why, url, e);
	complete_uri(uri, &m->options);
	m->database = strdup(mongoc_uri_get_database(uri) ? mongoc_uri_get_database(uri) : DATABASE);
	m->pool = mongoc_client_pool_new_with_error(uri, &why);
	mongoc_uri_destroy(uri);
	if (!m->database)
		return err_set(e, ERR_IO, ENOMEM, "open MongoDB");
	if (!m->pool)
		return bad_url(&why, url, e);
	mongoc_client_pool_set_error_api(m->pool, MONGOC_ERROR_API_VERSION_2);
	return 0;
}

static int open_loop(struct mongo *m, struct err *e)
{
	m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->wake_fd < 0)
		return err_set(e, ERR_IO, errno, "make an eventfd");
	m->wake_event = event_new(m->base, m->wake_fd, EV_READ | EV_PERSIST, on_wake, m);
	m->threads = calloc((size_t)m->options.threads, sizeof(*m->threads));
	if (!m->wake_event || !m->threads || event_add(m->wake_event, NULL) < 0)
		return err_set(e, ERR_IO, ENOMEM, "open MongoDB");
	return 0;
}

/* Pauses are on the monotonic clock. */
static void init_lock(struct mongo *m)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &attr);
	pthread_condattr_destroy(&attr);
}

static struct mongo *mongo_new(struct event_base *base, const struct store_mongo_options *options)
{
	struct mongo *m = mongo_op_new(sizeof(*m));

	m->store.ops = &ops;
	m->base = base;
	m->options = *options;
	m->options.threads = options->threads > 0 ? options->threads : THREADS;
	m->options.timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
	m->options.max_pending = options->max_pending > 0 ? options->max_pending : MAX_PENDING;
	m->wake_fd = -1;
	list_init(&m->queue);
	list_init(&m->held);
	list_init(&m->over);
	init_lock(m);
	return m;
}

static void init_driver(void)
{
	mongoc_init();
	mongoc_log_set_handler(NULL, NULL); /* we tell what happened in our own words */
}

__attribute__((visibility("default"))) struct store *codecrusher_mongo_open(
	struct event_base *base, const struct store_mongo_options *options, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct mongo *m = mongo_new(base, options);
	int got;

	pthread_once(&once, init_driver);
	got = open_pool(m, e);
	if (got == 0)
		got = open_loop(m, e);
	if (got == 0)
		got = mongo_threads_start(m, e);
	m->options.url = m->options.plugin = NULL; /* the caller's */
	if (got == 0)
		return &m->store;
	close_store(&m->store);
	return NULL;
}
