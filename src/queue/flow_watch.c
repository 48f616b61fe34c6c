/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "queue/flow_internal.h"

struct flow_watch {
	struct id_node by_id;
	struct list firing; /* linked while it is about to be told, and no longer in the map */
	struct flow *flow;
	char id[JOB_ID_SIZE];
	flow_watch_fn *fn;
	void *arg;
};

struct flow_watch *flow_watch(struct flow *f, const char *id, flow_watch_fn *fn, void *arg)
{
	struct flow_watch *w = db_op_new(sizeof(*w));

	w->flow = f;
	w->fn = fn;
	w->arg = arg;
	snprintf(w->id, sizeof(w->id), "%s", id);
	list_init(&w->firing);
	id_map_add(&f->watches, &w->by_id, w->id);
	return w;
}

void flow_unwatch(struct flow_watch **w)
{
	if (!*w)
		return;
	if (list_is_linked(&(*w)->firing))
		list_remove(&(*w)->firing);
	else
		id_map_remove(&(*w)->flow->watches, &(*w)->by_id);
	free(TAKE(*w));
}

bool watches_have(const struct flow *f, const char *id)
{
	return id_map_find(&f->watches, id) != NULL;
}

/* Those of now: `fn` changes nothing before it returns. */
void watches_each(struct flow *f, void (*fn)(struct flow *f, const char *id))
{
	for (size_t i = 0; i < f->watches.n_buckets; i++) {
		struct id_node *node;

		list_for_each (node, &f->watches.buckets[i], struct id_node, link)
			fn(f, node->id);
	}
}

void flow_observe(struct flow *f, flow_watch_fn *fn, void *arg)
{
	f->observer = fn;
	f->observer_arg = arg;
}

/* First all are taken from the map, then told one by one: a callback may watch and unwatch as it likes. */
void watches_tell(struct flow *f, struct result *r)
{
	struct list firing;
	struct flow_watch *w;

	list_init(&firing);
	while ((w = id_map_get(&f->watches, r->id, struct flow_watch, by_id))) {
		id_map_remove(&f->watches, &w->by_id);
		list_push_back(&firing, &w->firing);
	}
	if (f->observer)
		f->observer(r, f->observer_arg);
	while ((w = list_first(&firing, struct flow_watch, firing))) {
		flow_watch_fn *fn = w->fn;
		void *arg = w->arg;

		list_remove(&w->firing);
		free(w);
		fn(r, arg);
	}
}
