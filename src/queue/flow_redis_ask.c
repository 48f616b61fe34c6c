/* SPDX-License-Identifier: MIT */
/* Questions, distributed: the row is asked first, and the queue only about a job that has not ended. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/flow_internal.h"
#include "queue/redis.h"

#define ROUNDS_MAX 4

/* ---- adopting what another kind of worker brought ---- */

struct adopt {
	struct flow *flow;
	char id[JOB_ID_SIZE];
	struct result *result;
	bool applied;
	void (*fn)(int n, const struct err *e, void *arg);
	void *arg;
};

static void adopt_end(struct adopt *o, int n, const struct err *e)
{
	if (o->fn)
		o->fn(n, e, o->arg);
	result_unref(o->result);
	free(o);
}

static void adopted(const struct err *e, void *arg)
{
	struct adopt *o = arg;

	if (!e && o->applied)
		watches_tell(o->flow, o->result);
	adopt_end(o, !e, e);
}

static void outcome_known(struct result *r, const struct err *e, void *arg)
{
	struct adopt *o = arg;
	struct flow *f = o->flow;
	struct store_finish finish = { .expires_ms = clock_wall_ms() + f->result_ttl_ms,
				       .ret_applied = &o->applied };

	if (e || !r) {
		adopt_end(o, 0, e);
		return;
	}
	o->result = result_ref(r);
	finish.result = r;
	f->store->ops->finish(f->store, &finish, adopted, o);
}

void flow_adopt(struct flow *f, const char *id, void (*fn)(int n, const struct err *e, void *arg), void *arg)
{
	struct adopt *o = db_op_new(sizeof(*o));

	o->flow = f;
	snprintf(o->id, sizeof(o->id), "%s", id);
	o->fn = fn;
	o->arg = arg;
	redis_outcome(f->redis, id, outcome_known, o);
}

/* ---- get ---- */

struct get {
	struct flow *flow;
	char id[JOB_ID_SIZE];
	int rounds;
	bool has_row;
	flow_get_fn *fn;
	void *arg;
	struct job_view view;
	struct result *result; /* of the row; a later job under the same id may have made it obsolete */
};

static void get_go(struct get *g);

static void get_tell(struct get *g, const struct job_view *view, const struct err *e)
{
	g->fn(view, e, g->arg);
	result_unref(g->result);
	free(g);
}

static void get_adopted(int n, const struct err *e, void *arg)
{
	struct get *g = arg;

	(void)n;
	if (e)
		get_tell(g, g->has_row ? &g->view : NULL, e);
	else
		get_go(g);
}

/* The ids of other producers come again: when Redis has lost its memory and they count from 1, or when a job
 * is retried. The result of the job before must not be taken for the new one's. */
static bool is_outdated(const struct get *g, const struct redis_place *p)
{
	return p->where != REDIS_MISSING && (p->again || p->created_ms > g->result->created_ms);
}

/* The row says that the job is there; where it is can wait until Redis is back. */
static void get_unfinished(struct get *g, const struct redis_place *p, const struct err *e)
{
	g->view.state = !e && p->where == REDIS_RUNS ? JOB_RUNNING : JOB_QUEUED;
	g->view.position = !e && p->where == REDIS_WAITS ? p->position : -1;
	if (!g->has_row || g->result)
		g->view.created_ms = p->created_ms;
	if (!e && p->where == REDIS_ENDED && g->rounds < ROUNDS_MAX)
		flow_adopt(g->flow, g->id, get_adopted, g);
	else if (!g->has_row && (e || p->where == REDIS_MISSING))
		get_tell(g, NULL, e);
	else
		get_tell(g, &g->view, NULL);
}

static void get_where(const struct redis_place *p, const struct err *e, void *arg)
{
	struct get *g = arg;

	if (!g->result || (!e && is_outdated(g, p))) {
		get_unfinished(g, p, e);
		return;
	}
	g->view.state = JOB_FINISHED;
	g->view.result = g->result;
	get_tell(g, &g->view, NULL);
}

static void get_row(const struct store_row *row, const struct err *e, void *arg)
{
	struct get *g = arg;

	if (e || (!row && !id_is_foreign(g->id))) {
		get_tell(g, NULL, e);
		return;
	}
	g->has_row = row != NULL;
	g->view.created_ms = row ? row->created_ms : 0;
	if (row && row->result && id_is_foreign(g->id)) {
		g->result = result_ref(row->result);
		redis_where(g->flow->redis, g->id, get_where, g);
	} else if (row && row->result) {
		g->view.state = JOB_FINISHED;
		g->view.result = row->result;
		get_tell(g, &g->view, NULL);
	} else {
		redis_where(g->flow->redis, g->id, get_where, g);
	}
}

static void get_go(struct get *g)
{
	g->rounds++;
	result_unref(TAKE(g->result));
	g->flow->store->ops->get(g->flow->store, g->id, get_row, g);
}

void distributed_get(struct flow *f, const char *id, flow_get_fn *fn, void *arg)
{
	struct get *g = db_op_new(sizeof(*g));

	g->flow = f;
	g->fn = fn;
	g->arg = arg;
	g->view.position = -1;
	snprintf(g->id, sizeof(g->id), "%s", id);
	get_go(g);
}

/* ---- a watched job has ended ---- */

struct look {
	struct flow *flow;
	char id[JOB_ID_SIZE];
};

/* Who took the end over from the queue meanwhile has told the watches. */
static void looked(const struct job_view *view, const struct err *e, void *arg)
{
	struct look *o = arg;

	if (e)
		log_warn(o->id, "has ended, but its row cannot be read now: %s", e->msg);
	else if (view && view->result && watches_have(o->flow, o->id))
		watches_tell(o->flow, view->result);
	free(o);
}

void flow_look(struct flow *f, const char *id)
{
	struct look *o = db_op_new(sizeof(*o));

	o->flow = f;
	snprintf(o->id, sizeof(o->id), "%s", id);
	distributed_get(f, id, looked, o);
}
