/* SPDX-License-Identifier: MIT */
/* What db.c (the loop's side) and threads.c (the database's side) share. */
#ifndef DB_INTERNAL_H
#define DB_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "db/conn.h"
#include "db/db.h"

struct event;

/* A thread with a connection and the operations handed to it. */
struct db_thread {
	struct db *db;
	struct db_conn *conn;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* of the following */
	pthread_cond_t wake;
	struct list inbox;
	unsigned ahead; /* reads that have run, but not yet their done() */
	bool stop;
};

struct db {
	struct event_base *base;
	char *dir;
	int dir_fd;
	int lock_fd;
	struct db_thread writer;
	struct db_thread reader;
	bool closing;
	bool ran; /* the threads did run */

	/* the loop's side */
	struct list group;   /* writes of the open group */
	struct list leaving; /* groups that are about to be handed to the writer */
	int rounds;	     /* of round_event, until they are */
	struct event *round_event;
	struct list reading; /* empty but inside db_read */
	int group_depth;
	void (*change)(void *arg);
	void *change_arg;
	bool told_full;

	/* back to the loop */
	int wake_fd; /* eventfd */
	struct event *wake_event;
	pthread_mutex_t lock; /* of the following */
	struct list outbox;
	struct err trouble; /* why `full` is set */

	_Atomic bool full;
};

/* Moves all of `from` behind `to`. */
static inline void list_move_all(struct list *from, struct list *to)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

int db_thread_start(struct db_thread *t, void *(*body)(void *), struct err *e);
/* Lets it finish what it has, and waits for its end. */
void db_thread_stop(struct db_thread *t);
void db_thread_hand(struct db_thread *t, struct list *ops);

/* The loop has called done() of a read. */
void db_thread_caught_up(struct db_thread *t);

/* Brings finished operations to the loop; from any thread. */
void db_post(struct db *db, struct list *ops);

void *db_writer_body(void *thread);
void *db_reader_body(void *thread);

#endif
