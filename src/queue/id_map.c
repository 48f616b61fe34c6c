/* SPDX-License-Identifier: MIT */
#include "queue/id_map.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64

/* FNV-1a. Only ids that we made stay in a map for long, so nobody can choose them to collide. */
static uint64_t hash_of(const char *id)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 0x100000001b3;
	return h ^ h >> 32;
}

static struct list *new_buckets(size_t n)
{
	struct list *buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		abort();
	for (size_t i = 0; i < n; i++)
		list_init(&buckets[i]);
	return buckets;
}

static struct list *bucket(const struct id_map *m, uint64_t hash)
{
	return &m->buckets[hash & (m->n_buckets - 1)];
}

void id_map_init(struct id_map *m)
{
	m->n = 0;
	m->n_buckets = BUCKETS_MIN;
	m->buckets = new_buckets(BUCKETS_MIN);
}

void id_map_done(struct id_map *m)
{
	free(m->buckets);
	m->buckets = NULL;
}

static void grow(struct id_map *m)
{
	struct id_map old = *m;
	struct id_node *node;

	m->n_buckets *= 2;
	m->buckets = new_buckets(m->n_buckets);
	for (size_t i = 0; i < old.n_buckets; i++)
		while ((node = list_first(&old.buckets[i], struct id_node, link))) {
			list_remove(&node->link);
			list_push_back(bucket(m, node->hash), &node->link);
		}
	free(old.buckets);
}

void id_map_add(struct id_map *m, struct id_node *node, const char *id)
{
	if (m->n >= m->n_buckets)
		grow(m);
	node->id = id;
	node->hash = hash_of(id);
	list_push_back(bucket(m, node->hash), &node->link);
	m->n++;
}

void id_map_remove(struct id_map *m, struct id_node *node)
{
	list_remove(&node->link);
	m->n--;
}

struct id_node *id_map_find(const struct id_map *m, const char *id)
{
	uint64_t hash = hash_of(id);
	struct id_node *node;

	list_for_each (node, bucket(m, hash), struct id_node, link)
		if (node->hash == hash && strcmp(node->id, id) == 0)
			return node;
	return NULL;
}

struct id_node *id_map_first(const struct id_map *m)
{
	for (size_t i = 0; m->n > 0 && i < m->n_buckets; i++) {
		struct id_node *node = list_first(&m->buckets[i], struct id_node, link);

		if (node)
			return node;
	}
	return NULL;
}
