/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked lists: the node lives in the object, a list owns nothing. A node that is in no list
 * points to itself, so list_remove is harmless twice and `list_is_linked` is meaningful.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline bool list_is_linked(const struct list *node)
{
	return node->next != node;
}

static inline void list_insert_(struct list *node, struct list *prev, struct list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

static inline void list_push_back(struct list *l, struct list *node)
{
	list_insert_(node, l->prev, l);
}

static inline void list_push_front(struct list *l, struct list *node)
{
	list_insert_(node, l, l->next);
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define list_first(l, type, member)	(list_is_empty(l) ? NULL : container_of((l)->next, type, member))

/* The body may remove or free `pos`, nothing else. */
#define list_for_each(pos, l, type, member)               \
	for (struct list *n_ = (l)->next, *t_ = n_->next; \
	     n_ != (l) && ((pos) = container_of(n_, type, member), true); n_ = t_, t_ = n_->next)

#endif
