/* SPDX-License-Identifier: MIT */
#include "queue/redis_link.h"

#include <assert.h>
#include <event2/event.h>
#include <hiredis/async.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 2000
#define CHECK_MS     500
#define CONNECT_MS   5000

enum link_state {
	LINK_WAITING,	 /* for the next try */
	LINK_CONNECTING, /* and greeting */
	LINK_UP,
};

struct redis_link {
	struct redis_link_options o;
	enum link_state state;
	redisAsyncContext *ac; /* NULL while waiting */
	struct event *retry;
	struct event *check;
	int64_t retry_ms;
	int64_t since_ms; /* begin of the connecting, or the last answer, or the first command after it */
	int n_pending;
	bool told; /* the log knows that it is down */
	char problem[256];
};

/* A command on its way. */
struct pending {
	struct redis_link *link;
	redis_reply_fn *fn;
	void *arg;
	bool subscription;
};

/* ---- libevent ---- */

struct watcher {
	redisAsyncContext *ac;
	struct event *read, *write;
};

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	redisAsyncHandleRead(((struct watcher *)arg)->ac);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	redisAsyncHandleWrite(((struct watcher *)arg)->ac);
}

static void add_read(void *arg)
{
	(void)event_add(((struct watcher *)arg)->read, NULL);
}

static void del_read(void *arg)
{
	(void)event_del(((struct watcher *)arg)->read);
}

static void add_write(void *arg)
{
	(void)event_add(((struct watcher *)arg)->write, NULL);
}

static void del_write(void *arg)
{
	(void)event_del(((struct watcher *)arg)->write);
}

static void stop_watching(void *arg)
{
	struct watcher *w = arg;

	event_free(w->read);
	event_free(w->write);
	free(w);
}

/* As hiredis' own adapter, which does not compile under our warnings and leaves allocations unchecked. */
static void attach(redisAsyncContext *ac, struct event_base *base)
{
	struct watcher *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->ac = ac;
	w->read = event_new(base, ac->c.fd, EV_READ | EV_PERSIST, on_readable, w);
	w->write = event_new(base, ac->c.fd, EV_WRITE | EV_PERSIST, on_writable, w);
	if (!w->read || !w->write)
		abort();
	ac->ev.addRead = add_read;
	ac->ev.delRead = del_read;
	ac->ev.addWrite = add_write;
	ac->ev.delWrite = del_write;
	ac->ev.cleanup = stop_watching;
	ac->ev.data = w;
	(void)event_add(w->write, NULL);
}

/* ---- up and down ---- */

static void add_timer(struct event *timer, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)event_add(timer, &tv);
}

static void set_problem(struct redis_link *l, const char *text)
{
	snprintf(l->problem, sizeof(l->problem), "Redis at %.120s:%d: %.100s", l->o.url->host, l->o.url->port,
		 text);
}

/* The connection is gone, all its commands were told. */
static void went_down(struct redis_link *l)
{
	bool was_up = l->state == LINK_UP;

	l->state = LINK_WAITING;
	(void)event_del(l->check);
	if (!l->told)
		log_error(NULL, "%s (%s connection); trying again until it answers", l->problem, l->o.what);
	l->told = true;
	add_timer(l->retry, l->retry_ms);
	l->retry_ms = l->retry_ms * 2 < RETRY_MAX_MS ? l->retry_ms * 2 : RETRY_MAX_MS;
	if (was_up && l->o.down)
		l->o.down(l->o.arg);
}

/* Ends the connection from our side. Inside one of hiredis' callbacks it is freed a little later, so what
 * comes from it must no longer find us. */
static void drop(struct redis_link *l, const char *why)
{
	redisAsyncContext *ac = TAKE(l->ac);

	set_problem(l, why);
	if (ac) {
		/* What a dead network still holds of our commands must not arrive after it is back: by then
		 * they have been given up, and a fetch would take a job that nobody runs. */
		(void)setsockopt(ac->c.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 },
				 sizeof(struct linger));
		ac->data = NULL;
		redisAsyncFree(ac);
	}
	went_down(l);
}

static void on_disconnected(const redisAsyncContext *ac, int status)
{
	struct redis_link *l = ac->data;

	(void)status;
	if (!l || l->ac != ac)
		return;
	l->ac = NULL;
	set_problem(l, ac->errstr && ac->errstr[0] ? ac->errstr : "the connection was closed");
	went_down(l);
}

static void go_up(struct redis_link *l)
{
	l->state = LINK_UP;
	l->retry_ms = RETRY_MIN_MS;
	l->problem[0] = '\0';
	if (l->told)
		log_info(NULL, "Redis answers again (%s connection)", l->o.what);
	l->told = false;
	if (l->o.up)
		l->o.up(l->o.arg);
}

/* ---- greeting ---- */

static bool is_refused_mode(const char *info, const char **ret_why)
{
	const char *mode = strstr(info, "redis_mode:");

	if (mode && strncmp(mode + 11, "cluster", 7) == 0)
		*ret_why = "it is a Redis Cluster, which is not supported: use a single Redis server";
	else if (mode && strncmp(mode + 11, "sentinel", 8) == 0)
		*ret_why = "it is a Redis Sentinel, which is not supported: name the Redis server itself";
	else
		return false;
	return true;
}

static void on_info(redisAsyncContext *ac, void *reply, void *arg)
{
	struct redis_link *l = ac->data;
	const redisReply *r = reply;
	const char *why;

	(void)arg;
	if (!l || l->ac != ac || !r)
		return;
	l->since_ms = clock_mono_ms();
	if (r->type == REDIS_REPLY_ERROR)
		drop(l, r->str);
	else if (r->type == REDIS_REPLY_STRING && is_refused_mode(r->str, &why))
		drop(l, why);
	else
		go_up(l);
}

/* An answer to AUTH, SELECT or CLIENT SETNAME. */
static void on_greeted(redisAsyncContext *ac, void *reply, void *arg)
{
	struct redis_link *l = ac->data;
	const redisReply *r = reply;

	(void)arg;
	if (l && l->ac == ac && r && r->type == REDIS_REPLY_ERROR)
		drop(l, r->str);
}

static void greet(struct redis_link *l)
{
	const struct redis_url *u = l->o.url;

	if (u->user[0])
		redisAsyncCommand(l->ac, on_greeted, NULL, "AUTH %s %s", u->user, u->password);
	else if (u->password[0])
		redisAsyncCommand(l->ac, on_greeted, NULL, "AUTH %s", u->password);
	if (u->database > 0)
		redisAsyncCommand(l->ac, on_greeted, NULL, "SELECT %d", u->database);
	if (l->o.client_name)
		redisAsyncCommand(l->ac, on_greeted, NULL, "CLIENT SETNAME %s", l->o.client_name);
	redisAsyncCommand(l->ac, on_info, NULL, "INFO server");
}

static void on_connected(const redisAsyncContext *ac, int status)
{
	struct redis_link *l = ac->data;

	if (!l || l->ac != ac)
		return;
	if (status == REDIS_OK) {
		redisEnableKeepAlive(&l->ac->c);
		greet(l);
		return;
	}
	/* hiredis frees it, and calls no one. */
	l->ac = NULL;
	set_problem(l, ac->errstr && ac->errstr[0] ? ac->errstr : "cannot be reached");
	went_down(l);
}

static void connect_now(struct redis_link *l)
{
	l->ac = redisAsyncConnect(l->o.url->host, l->o.url->port);
	if (!l->ac)
		abort();
	l->state = LINK_CONNECTING;
	l->n_pending = 0;
	l->since_ms = clock_mono_ms();
	l->ac->data = l;
	if (l->ac->err) {
		drop(l, l->ac->errstr);
		return;
	}
	attach(l->ac, l->o.base);
	redisAsyncSetConnectCallback(l->ac, on_connected);
	redisAsyncSetDisconnectCallback(l->ac, on_disconnected);
	add_timer(l->check, CHECK_MS);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	connect_now(arg);
}

/* A server that is stopped or cut off answers nothing, and TCP alone would take minutes to notice. */
static void on_check(evutil_socket_t fd, short what, void *arg)
{
	struct redis_link *l = arg;
	int64_t waited = clock_mono_ms() - l->since_ms;

	(void)fd;
	(void)what;
	if (l->state == LINK_CONNECTING && waited > CONNECT_MS)
		drop(l, "it does not answer");
	else if (l->state == LINK_UP && l->n_pending > 0 && waited > l->o.patience_ms)
		drop(l, "it has stopped answering");
	else
		add_timer(l->check, CHECK_MS);
}

/* ---- commands ---- */

static void on_reply(redisAsyncContext *ac, void *reply, void *arg)
{
	struct pending *p = arg;
	const redisReply *r = reply;
	struct redis_link *l = ac->data;
	struct err e;

	if (l && l->ac == ac) {
		l->since_ms = clock_mono_ms();
		if (!p->subscription)
			l->n_pending--;
	}
	if (!r)
		err_set(&e, ERR_BUSY, 0, "The connection to Redis was lost.");
	else if (r->type == REDIS_REPLY_ERROR)
		err_set(&e, ERR_BUSY, 0, "Redis: %s", r->str);
	if (!r || r->type == REDIS_REPLY_ERROR)
		p->fn(r, &e, p->arg);
	else
		p->fn(r, NULL, p->arg);
	if (!p->subscription || !r)
		free(p);
}

static struct pending *pending_new(struct redis_link *l, redis_reply_fn *fn, void *arg)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->link = l;
	p->fn = fn;
	p->arg = arg;
	return p;
}

bool redis_link_send(struct redis_link *l, const struct redis_args *a, redis_reply_fn *fn, void *arg)
{
	struct pending *p;

	if (l->state != LINK_UP || !l->ac)
		return false;
	p = pending_new(l, fn, arg);
	if (redisAsyncCommandArgv(l->ac, on_reply, p, (int)a->n, (const char **)a->words, a->lens) !=
	    REDIS_OK) {
		free(p);
		return false;
	}
	if (l->n_pending++ == 0)
		l->since_ms = clock_mono_ms();
	return true;
}

bool redis_link_subscribe(struct redis_link *l, const char *channel, redis_reply_fn *fn, void *arg)
{
	struct pending *p;

	if (l->state != LINK_UP || !l->ac)
		return false;
	p = pending_new(l, fn, arg);
	p->subscription = true;
	if (redisAsyncCommand(l->ac, on_reply, p, "SUBSCRIBE %s", channel) == REDIS_OK)
		return true;
	free(p);
	return false;
}

/* ---- life ---- */

bool redis_link_is_up(const struct redis_link *l)
{
	return l->state == LINK_UP;
}

const char *redis_link_problem(const struct redis_link *l)
{
	return l->problem[0] ? l->problem : "Redis is not connected yet";
}

struct redis_link *redis_link_new(const struct redis_link_options *o)
{
	struct redis_link *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->o = *o;
	l->retry_ms = RETRY_MIN_MS;
	l->retry = evtimer_new(o->base, on_retry, l);
	l->check = evtimer_new(o->base, on_check, l);
	if (!l->retry || !l->check)
		abort();
	/* From the loop: what up() needs may not be there yet. */
	add_timer(l->retry, 0);
	return l;
}

void redis_link_shut(struct redis_link *l)
{
	redisAsyncContext *ac = TAKE(l->ac);

	l->state = LINK_WAITING;
	(void)event_del(l->retry);
	(void)event_del(l->check);
	if (ac) {
		ac->data = NULL;
		redisAsyncFree(ac);
	}
}

void redis_link_free(struct redis_link *l)
{
	if (!l)
		return;
	redis_link_shut(l);
	event_free(l->retry);
	event_free(l->check);
	free(l);
}
