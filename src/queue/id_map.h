/* SPDX-License-Identifier: MIT */
/* A hash map from job ids to nodes that live in their objects, as base/list.h has it. Several nodes may have
 * the same id. The map owns nothing. */
#ifndef QUEUE_ID_MAP_H
#define QUEUE_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct id_node {
	struct list link;
	uint64_t hash;
	const char *id; /* in the object; does not change while it is in a map */
};

struct id_map {
	struct list *buckets;
	size_t n_buckets; /* a power of two */
	size_t n;
};

/* Aborts when memory is short, as adding does. */
void id_map_init(struct id_map *m);
void id_map_done(struct id_map *m);

void id_map_add(struct id_map *m, struct id_node *node, const char *id);
void id_map_remove(struct id_map *m, struct id_node *node);
/* One with this id, or NULL. */
struct id_node *id_map_find(const struct id_map *m, const char *id);

/* Any node, or NULL when there is none: to empty a map. */
struct id_node *id_map_first(const struct id_map *m);

#define id_map_any(m, type, member)                                 \
	__extension__({                                             \
		struct id_node *found_ = id_map_first(m);           \
		found_ ? container_of(found_, type, member) : NULL; \
	})

#define id_map_get(m, id_, type, member)                            \
	__extension__({                                             \
		struct id_node *found_ = id_map_find(m, id_);       \
		found_ ? container_of(found_, type, member) : NULL; \
	})

#endif
