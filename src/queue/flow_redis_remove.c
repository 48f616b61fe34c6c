/* SPDX-License-Identifier: MIT */
/*
 * DELETE, distributed. A job that waits leaves the queue in one step, as failed, and its row follows; should
 * this process die in between, whoever looks at the row next takes the end over from the queue. A job that
 * runs is the business of its worker, which hears of it.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "queue/flow_internal.h"
#include "queue/redis.h"

#define ROUNDS_MAX 4

struct removal {
	struct flow *flow;
	char id[JOB_ID_SIZE];
	char language[64];
	int64_t created_ms;
	int rounds;
	struct result *result;
	bool applied;
	int removed;
	flow_remove_fn *fn;
	void *arg;
};

static void go(struct removal *rm);

static void tell(struct removal *rm, enum flow_removal what, const struct err *e)
{
	rm->fn(what, e, rm->arg);
	result_unref(rm->result);
	free(rm);
}

/* ---- it had ended ---- */

static void forgotten(int n, const struct err *e, void *arg)
{
	struct removal *rm = arg;

	(void)n; /* what the queue keeps of it expires by itself */
	(void)e;
	tell(rm, rm->removed > 0 ? FLOW_REMOVED : FLOW_NO_SUCH_JOB, NULL);
}

static void removed(int n, const struct err *e, void *arg)
{
	struct removal *rm = arg;

	rm->removed = n;
	if (e)
		tell(rm, FLOW_NO_SUCH_JOB, e);
	else
		redis_forget(rm->flow->redis, rm->id, forgotten, rm);
}

/* ---- it runs ---- */

static void go_again(int n, const struct err *e, void *arg)
{
	struct removal *rm = arg;

	(void)n;
	if (e)
		tell(rm, FLOW_NO_SUCH_JOB, e);
	else
		go(rm);
}

static void cancelled(int n, const struct err *e, void *arg)
{
	struct removal *rm = arg;
	struct err busy;

	if (e) {
		tell(rm, FLOW_NO_SUCH_JOB, e);
	} else if (n == 1) {
		tell(rm, FLOW_CANCELLED, NULL);
	} else if (n == 2) {
		err_set(&busy, ERR_CONFLICT, 0,
			"The job runs on a worker that is not CodeCrusher's and cannot be asked to stop it.");
		tell(rm, FLOW_NO_SUCH_JOB, &busy);
	} else {
		flow_adopt(rm->flow, rm->id, go_again, rm);
	}
}

/* ---- it waits ---- */

static void row_ended(const struct err *e, void *arg)
{
	struct removal *rm = arg;

	if (!e && rm->applied)
		watches_tell(rm->flow, rm->result);
	tell(rm, FLOW_CANCELLED, e);
}

static void withdrawn(int n, const struct err *e, void *arg)
{
	struct removal *rm = arg;
	struct flow *f = rm->flow;
	const struct store_finish finish = {
		.result = rm->result,
		.expires_ms = clock_wall_ms() + f->result_ttl_ms,
		.ret_applied = &rm->applied,
	};

	if (e)
		tell(rm, FLOW_NO_SUCH_JOB, e);
	else if (n == 1)
		f->store->ops->finish(f->store, &finish, row_ended, rm);
	else
		redis_cancel(f->redis, rm->id, cancelled, rm);
}

static void withdraw(struct removal *rm)
{
	result_unref(rm->result);
	rm->result = result_without_run(rm->id, rm->language, rm->created_ms, clock_wall_ms(), 0,
					VERDICT_CANCELLED, "The job was cancelled before it started.");
	if (!rm->result)
		abort();
	redis_withdraw(rm->flow->redis, rm->result, withdrawn, rm);
}

/* ---- where is it ---- */

static void known(const struct store_row *row, const struct err *e, void *arg)
{
	struct removal *rm = arg;
	struct store *store = rm->flow->store;

	if (e || (!row && !id_is_foreign(rm->id))) {
		tell(rm, FLOW_NO_SUCH_JOB, e);
		return;
	}
	if (row && row->result) {
		store->ops->remove(store, rm->id, removed, rm);
		return;
	}
	snprintf(rm->language, sizeof(rm->language), "%s", row && row->language ? row->language : "");
	rm->created_ms = row ? row->created_ms : 0;
	withdraw(rm);
}

static void go(struct removal *rm)
{
	struct err e;

	if (++rm->rounds > ROUNDS_MAX) {
		/* A foreign id without a row: the queue does not know it either. Ours is on its way into it.
		 */
		err_set(&e, ERR_BUSY, 0, "The job is being moved. Try again later.");
		tell(rm, FLOW_NO_SUCH_JOB, id_is_foreign(rm->id) ? NULL : &e);
		return;
	}
	rm->flow->store->ops->get(rm->flow->store, rm->id, known, rm);
}

void distributed_remove(struct flow *f, const char *id, flow_remove_fn *fn, void *arg)
{
	struct removal *rm = db_op_new(sizeof(*rm));

	rm->flow = f;
	rm->fn = fn;
	rm->arg = arg;
	snprintf(rm->id, sizeof(rm->id), "%s", id);
	go(rm);
}
