/* SPDX-License-Identifier: MIT */
/*
 * Containers for a verb of the shell, without a server: a spawner as child, and a second child that has given
 * up root and talks to it. The parent stays root, does nothing but wait, and sees to it that the spawner has
 * cleaned up before the shell gets its prompt back.
 */
#ifndef CMD_LOCAL_H
#define CMD_LOCAL_H

#include "base/err.h"
#include "cmd/privileges.h"
#include "conf/conf.h"
#include "executor/executor.h"

struct event_base;

/* What the unprivileged child works with. */
struct local {
	struct event_base *base;
	struct executor *executor;
	bool lost;	 /* the spawner is gone */
	int interrupted; /* SIGINT or SIGTERM came; its number */
};

/* Runs in the unprivileged child once the spawner has said hello. The exit status. */
typedef int local_fn(struct local *l, void *arg);

/* The exit status of `fn`, or `failed` after the reason was told. */
int local_run(const struct conf *conf, unsigned slots, local_fn *fn, void *arg, int failed);

/* Runs the event loop until a program can be started at once. -1 when the spawner is gone, a signal came, or
 * no container was ready within 30 s. */
int local_wait_ready(struct local *l, struct err *e);

#endif
