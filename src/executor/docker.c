/* SPDX-License-Identifier: MIT */
#include "executor/docker.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "executor/docker_internal.h"
#include "sandbox/wire.h"

static_assert((int)EXEC_STOP_WALL == (int)WIRE_STOP_WALL && (int)EXEC_STOP_CPU == (int)WIRE_STOP_CPU &&
		      (int)EXEC_STOP_OUTPUT == (int)WIRE_STOP_OUTPUT &&
		      (int)EXEC_STOP_MEMORY == (int)WIRE_STOP_MEMORY &&
		      (int)EXEC_STOP_CANCELLED == (int)WIRE_STOP_CANCELLED,
	      "report.stop is taken from the box as it is");

/* Private cgroup namespaces came with 1.41 (Engine 20.10); nothing here is newer. */
#define API_MAJOR      1
#define API_OLDEST     41
#define API_NEWEST     47

#define OK	       200
#define RETRY_MAX_S    16
#define LEFTOVER_AGE_S 60 /* a container of another worker that is not started by then never will be */

/* A payload of up to this much fits beside the box in every container. */
#define PAYLOAD_FREE ((int64_t)1 << 20)

static void say_hello(struct docker *d);

void docker_kick(struct docker *d)
{
	event_active(&d->kick, 0, 0);
}

void docker_path(const struct docker *d, char out[DOCKER_PATH_SIZE], const char *fmt, ...)
{
	size_t len = strlen(d->api);
	va_list args;

	memcpy(out, d->api, len);
	va_start(args, fmt);
	(void)vsnprintf(out + len, DOCKER_PATH_SIZE - len, fmt, args);
	va_end(args);
}

static void tell_problem(struct docker *d, const struct err *why)
{
	if (d->options.problem)
		d->options.problem(why, d->options.arg);
}

void docker_complain(struct docker *d, const char *image, const struct err *why)
{
	if (d->missing && strcmp(d->missing, image) == 0)
		return;
	free(d->missing);
	d->missing = strdup(image);
	tell_problem(d, why);
}

/* ---- removing ---- */

struct removal {
	struct list node;
	struct docker_call *call;
};

static void on_removed(int status, const char *body, const struct err *why, void *arg)
{
	struct removal *r = arg;

	/* Whatever the answer is: it is gone, or on its way, or found by the next start. */
	(void)status;
	(void)body;
	(void)why;
	list_remove(&r->node);
	free(r);
}

void docker_remove(struct docker *d, const char *id)
{
	char path[DOCKER_PATH_SIZE];
	struct removal *r;
	struct err e;

	if (!id[0])
		return;
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	docker_path(d, path, "/containers/%s?force=1&v=1", id);
	r->call = docker_call(d->base, d->options.socket, "DELETE", path, NULL, on_removed, r, &e);
	list_init(&r->node);
	if (r->call)
		list_push_back(&d->removals, &r->node);
	else
		free(r);
}

/* ---- leftovers ---- */

/* "host pid start": what start time a process has, in clock ticks since boot; 0 when there is none. */
static unsigned long long process_start(int pid)
{
	char path[32], text[1024];
	AUTO_FCLOSE FILE *f = NULL;
	const char *at;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = '\0';
	/* The name may have blanks and parentheses; behind its last one begins field 3. */
	at = strrchr(text, ')');
	for (int field = 3; at && field <= 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

static char *owner_name(void)
{
	char host[65] = "host", *name;

	(void)gethostname(host, sizeof(host) - 1);
	if (asprintf(&name, "%s %d %llu", host, (int)getpid(), process_start(getpid())) < 0)
		return NULL;
	return name;
}

/* Whether nobody will ever use it. A process of this host can be looked up; one elsewhere (a container with
 * the same Engine, say) cannot, but what it runs ends with it, and only what it never started stays. */
static bool is_leftover(const struct docker *d, const char *owner, const char *state, json_int_t created)
{
	size_t host = strcspn(d->owner, " ");
	char *end;
	long pid;

	if (strcmp(owner, d->owner) == 0)
		return false;
	if (strncmp(owner, d->owner, host + 1) != 0)
		return strcmp(state, "running") != 0 && (json_int_t)time(NULL) - created > LEFTOVER_AGE_S;
	pid = strtol(owner + host + 1, &end, 10);
	return pid <= 0 || strtoull(end, NULL, 10) != process_start((int)pid);
}

static void sweep(struct docker *d, const char *body)
{
	json_t *list = json_loads(body, 0, NULL), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *owner, *id, *state;
		json_int_t created;

		if (json_unpack(item, "{s:s, s:s, s:I, s:{s:s}}", "Id", &id, "State", &state, "Created",
				&created, "Labels", DOCKER_LABEL, &owner) == 0 &&
		    is_leftover(d, owner, state, created))
			docker_remove(d, id);
	}
	json_decref(list);
}

/* ---- the Engine comes and goes ---- */

static void retry_later(struct docker *d)
{
	unsigned shift = d->failures < 5 ? d->failures : 5;
	struct timeval at = { .tv_sec = 1L << shift };

	if (at.tv_sec > RETRY_MAX_S)
		at.tv_sec = RETRY_MAX_S;
	d->failures++;
	(void)event_add(&d->retry, &at);
}

void docker_lost(struct docker *d, const struct err *why)
{
	if (!d->up)
		return;
	d->up = false;
	d->loss = *why;
	d->failures = 0;
	retry_later(d);
	docker_kick(d);
}

static void not_usable(struct docker *d, const struct err *why)
{
	/* Once for each reason, not for each try. */
	if (strcmp(d->loss.msg, why->msg) != 0)
		tell_problem(d, why);
	d->loss = *why;
	d->loss.kind = ERR_NONE;
	retry_later(d);
}

static void on_leftovers(int status, const char *body, const struct err *why, void *arg)
{
	struct docker *d = arg;

	d->hello = NULL;
	if (status != OK) {
		struct err e;

		err_set(&e, ERR_IO, 0, "the Docker Engine does not list its containers (status %d)", status);
		not_usable(d, status ? &e : why);
		return;
	}
	sweep(d, body);
	d->up = true;
	d->failures = 0;
	d->loss = (struct err){ 0 };
	docker_kick(d);
}

/* The newest version that both sides speak. */
static int negotiate(struct docker *d, const char *newest, const char *oldest, struct err *e)
{
	int major = 0, minor = 0, old_major = 0, old_minor = 0;

	if (sscanf(newest, "%d.%d", &major, &minor) != 2 || major != API_MAJOR || minor < API_OLDEST)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "the Docker Engine speaks API %.20s; at least %d.%d (Engine 20.10) is needed",
			       newest, API_MAJOR, API_OLDEST);
	if (minor > API_NEWEST)
		minor = API_NEWEST;
	if (sscanf(oldest, "%d.%d", &old_major, &old_minor) == 2 && old_minor > minor)
		minor = old_minor;
	(void)snprintf(d->api, sizeof(d->api), "/v%d.%d", API_MAJOR, minor);
	return 0;
}

static void on_version(int status, const char *body, const struct err *why, void *arg)
{
	json_t *json = status == OK ? json_loads(body, 0, NULL) : NULL;
	const char *version = "", *newest = "", *oldest = "";
	struct docker *d = arg;
	char path[DOCKER_PATH_SIZE];
	struct err e;

	d->hello = NULL;
	(void)json_unpack(json, "{s?s, s?s, s?s}", "Version", &version, "ApiVersion", &newest,
			  "MinAPIVersion", &oldest);
	if (status == 0) {
		not_usable(d, why);
	} else if (negotiate(d, newest, oldest, &e) < 0) {
		not_usable(d, &e);
	} else {
		docker_path(d, path,
			    "/containers/json?all=1&filters=%%7B%%22label%%22%%3A%%5B%%22" DOCKER_LABEL
			    "%%22%%5D%%7D");
		d->hello = docker_call(d->base, d->options.socket, "GET", path, NULL, on_leftovers, d, &e);
		if (!d->hello)
			not_usable(d, &e);
		else if (d->options.attached)
			d->options.attached(version, d->options.arg);
	}
	json_decref(json);
}

static void say_hello(struct docker *d)
{
	struct err e;

	d->hello = docker_call(d->base, d->options.socket, "GET", "/version", NULL, on_version, d, &e);
	if (!d->hello)
		not_usable(d, &e);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct docker *d = arg;

	(void)fd;
	(void)what;
	if (!d->up && !d->hello)
		say_hello(d);
}

/* ---- spares ---- */

/* The one of this kind that is nearest to being ready. */
static struct docker_box *find_spare(struct docker *d, const struct docker_kind *kind)
{
	struct docker_box *b, *best = NULL;

	list_for_each (b, &d->boxes, struct docker_box, node) {
		if (!b->run && docker_kind_is(&b->kind, kind) && (!best || b->state > best->state))
			best = b;
	}
	return best;
}

/* The spare whose kind has not been asked for longest: boxes are in the order of their making. */
static struct docker_box *find_stale(struct docker *d, const struct docker_kind *kind)
{
	struct docker_box *b;

	list_for_each (b, &d->boxes, struct docker_box, node) {
		if (!b->run && b->state == DOCKER_READY && !docker_kind_is(&b->kind, kind))
			return b;
	}
	return NULL;
}

/* As many like that which was just taken as there is room for. For the only one of its kind, the stalest of
 * another kind makes room. Without one the next run waits longer, which is all. */
static void make_spares(struct docker *d, const struct docker_kind *kind)
{
	struct docker_box *stale;
	struct err e;

	while (d->n_spares < d->options.spares) {
		if (!docker_box_new(d, kind, &e))
			return;
	}
	if (d->options.spares == 0 || find_spare(d, kind))
		return;
	stale = find_stale(d, kind);
	if (stale) {
		docker_box_free(stale);
		(void)docker_box_new(d, kind, &e);
	}
}

/* ---- the executor ---- */

/* What the payload takes beyond what is free comes on top, in steps, so that kinds are few. */
static int64_t memory_for(const struct docker_run *r)
{
	int64_t payload = docker_run_payload(r), extra = 0;

	if (payload > PAYLOAD_FREE) {
		for (extra = 2 * PAYLOAD_FREE; extra < payload; extra *= 2)
			;
	}
	return r->order.limits.memory_bytes + BOX_MEMORY + extra;
}

static void give_container(struct docker *d, struct docker_run *r, const struct exec_spec *spec)
{
	const struct docker_kind kind = {
		.image = (char *)(uintptr_t)spec->image,
		.memory_bytes = memory_for(r),
		.processes = r->order.limits.processes + BOX_PROCESSES,
		.disk_bytes = r->order.limits.disk_bytes,
	};
	struct docker_box *b = find_spare(d, &kind);
	struct err e;

	if (!b)
		b = docker_box_new(d, &kind, &e);
	if (!b) {
		docker_lost(d, &e);
		docker_run_lost(r, false, e.msg);
		return;
	}
	docker_box_take(b, r);
	/* What is no job's, such as asking a toolchain for its version, does not come again. */
	if (spec->job)
		make_spares(d, &kind);
}

static struct exec_run *docker_start(struct executor *x, const struct exec_spec *spec,
				     const struct exec_events *events, void *arg, struct err *e)
{
	struct docker *d = docker_of(x);
	struct docker_run *r;

	if (!d->up || d->n_runs >= d->options.slots) {
		err_set(e, ERR_BUSY, 0, d->up ? "all slots are taken" : "the Docker Engine does not answer");
		return NULL;
	}
	if (!spec->image) {
		err_set(e, ERR_INVALID, 0,
			"the language names no image: give its file an \"image\", or set "
			"CODECRUSHER_DOCKER_IMAGES");
		return NULL;
	}
	r = docker_run_new(d, spec, events, arg, e);
	if (!r)
		return NULL;
	give_container(d, r, spec);
	return &r->run;
}

static void docker_cancel(struct exec_run *run)
{
	struct docker_run *r = (struct docker_run *)(void *)run;

	if (r->cancelled || !r->box)
		return;
	r->cancelled = true;
	docker_box_cancel(r->box);
}

static void docker_capacity(struct executor *x, struct exec_capacity *ret)
{
	const struct docker *d = docker_of(x);
	unsigned free = d->n_runs < d->options.slots ? d->options.slots - d->n_runs : 0;

	*ret = (struct exec_capacity){
		.slots = d->up ? d->options.slots : 0,
		.ready = d->up ? free : 0,
		.busy = d->n_runs,
		.broken = d->up ? 0 : free,
	};
}

static struct docker_run *find_ended(struct docker *d)
{
	struct docker_run *r;

	list_for_each (r, &d->runs, struct docker_run, node) {
		if (!r->box)
			return r;
	}
	return NULL;
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct docker *d = arg;
	struct docker_run *r;

	(void)fd;
	(void)what;
	if (d->loss.kind != ERR_NONE) {
		tell_problem(d, &d->loss);
		d->loss.kind = ERR_NONE;
	}
	while ((r = find_ended(d)) != NULL) {
		if (r->report.lost && r->report.refused) {
			struct err e;

			err_set(&e, ERR_UNSUPPORTED, 0, "%s", r->report.problem);
			docker_complain(d, r->report.problem, &e);
		}
		docker_run_tell(r);
	}
	if (d->executor.capacity_changed)
		d->executor.capacity_changed(d->executor.capacity_arg);
}

static void docker_free(struct executor *x)
{
	struct docker *d = docker_of(x);
	struct docker_run *r;
	struct docker_box *b;
	struct removal *gone;

	list_for_each (b, &d->boxes, struct docker_box, node)
		docker_box_free(b);
	list_for_each (r, &d->runs, struct docker_run, node)
		docker_run_free(r);
	list_for_each (gone, &d->removals, struct removal, node) {
		docker_call_cancel(gone->call);
		list_remove(&gone->node);
		free(gone);
	}
	docker_call_cancel(d->hello);
	(void)event_del(&d->kick);
	(void)event_del(&d->retry);
	free(d->missing);
	free(d->owner);
	free(d);
}

static const struct executor_ops docker_ops = {
	.start = docker_start,
	.cancel = docker_cancel,
	.capacity = docker_capacity,
	.free = docker_free,
};

struct executor *docker_new(struct event_base *base, const struct docker_options *options, struct err *e)
{
	static const struct timeval now = { 0 };
	struct docker *d = calloc(1, sizeof(*d));

	assert(options->slots > 0);
	if (d)
		d->owner = owner_name();
	if (!d || !d->owner) {
		free(d);
		err_set(e, ERR_IO, ENOMEM, "create the Docker executor");
		return NULL;
	}
	d->executor.ops = &docker_ops;
	d->base = base;
	d->options = *options;
	list_init(&d->boxes);
	list_init(&d->removals);
	list_init(&d->runs);
	(void)event_assign(&d->kick, base, -1, 0, on_kick, d);
	(void)event_assign(&d->retry, base, -1, 0, on_retry, d);
	(void)event_add(&d->retry, &now);
	return &d->executor;
}
