/* SPDX-License-Identifier: MIT */
#include "cache/threads.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"

#define THREADS_MAX 4

struct threads {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list todo, over; /* under the lock */
	bool stop;		/* under the lock */
	pthread_t ids[THREADS_MAX];
	unsigned n;
	int poke;
	struct event *poked;
};

/* Moves all of `from`, in order. */
static void move_all(struct list *from, struct list *to)
{
	while (!list_is_empty(from)) {
		struct list *node = from->next;

		list_remove(node);
		list_push_back(to, node);
	}
}

static void tell_all(struct list *over)
{
	struct work *w;

	while ((w = list_first(over, struct work, node))) {
		list_remove(&w->node);
		w->done(w);
	}
}

static void *body(void *arg)
{
	struct threads *t = arg;
	const uint64_t one = 1;

	pthread_mutex_lock(&t->lock);
	for (;;) {
		struct work *w;

		while (!t->stop && list_is_empty(&t->todo))
			pthread_cond_wait(&t->wake, &t->lock);
		if (t->stop)
			break;
		w = list_first(&t->todo, struct work, node);
		list_remove(&w->node);
		pthread_mutex_unlock(&t->lock);
		w->run(w);
		w->ran = true;
		pthread_mutex_lock(&t->lock);
		list_push_back(&t->over, &w->node);
		(void)!write(t->poke, &one, sizeof(one)); /* fails only when it is poked already */
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void on_poked(evutil_socket_t fd, short what, void *arg)
{
	struct threads *t = arg;
	struct list over;
	uint64_t count;

	(void)what;
	(void)!read((int)fd, &count, sizeof(count));
	list_init(&over);
	pthread_mutex_lock(&t->lock);
	move_all(&t->over, &over);
	pthread_mutex_unlock(&t->lock);
	tell_all(&over);
}

static int start(struct threads *t, struct event_base *base, unsigned n, struct err *e)
{
	sigset_t all, old;
	int failed = 0;

	t->poke = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->poked = t->poke >= 0 ? event_new(base, t->poke, EV_READ | EV_PERSIST, on_poked, t) : NULL;
	if (!t->poked || event_add(t->poked, NULL) < 0)
		return err_set(e, ERR_IO, errno, "start the cache's threads");
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (t->n < n && t->n < THREADS_MAX && failed == 0) {
		failed = pthread_create(&t->ids[t->n], NULL, body, t);
		t->n += failed == 0;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return failed ? err_set(e, ERR_IO, failed, "start the cache's threads") : 0;
}

struct threads *threads_new(struct event_base *base, unsigned n, struct err *e)
{
	struct threads *t = calloc(1, sizeof(*t));

	if (!t) {
		err_set(e, ERR_IO, ENOMEM, "start the cache's threads");
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->wake, NULL);
	list_init(&t->todo);
	list_init(&t->over);
	t->poke = -1;
	if (start(t, base, n, e) < 0) {
		threads_free(t);
		return NULL;
	}
	return t;
}

void threads_free(struct threads *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_broadcast(&t->wake);
	pthread_mutex_unlock(&t->lock);
	for (unsigned i = 0; i < t->n; i++)
		pthread_join(t->ids[i], NULL);
	tell_all(&t->over);
	tell_all(&t->todo);
	if (t->poked)
		event_free(t->poked);
	if (t->poke >= 0)
		(void)close(t->poke);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void threads_put(struct threads *t, struct work *w)
{
	w->ran = false;
	pthread_mutex_lock(&t->lock);
	list_push_back(&t->todo, &w->node);
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}
