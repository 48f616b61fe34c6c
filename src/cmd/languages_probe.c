/* SPDX-License-Identifier: MIT */
#include "cmd/languages_probe.h"

#include <errno.h>
#include <event2/event.h>

#include "worker/probe.h"

/* A slot that breaks is asked again, but not for ever. */
#define ANSWER_S 60

struct probing {
	struct local *local;
	struct probe *probe;
	bool done;
};

static void on_done(void *arg)
{
	struct probing *p = arg;

	p->done = true;
	event_base_loopbreak(p->local->base);
}

static void on_capacity(void *arg)
{
	const struct probing *p = arg;

	if (!p->done)
		probe_go(p->probe);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	const struct probing *p = arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(p->local->base);
}

/* Until all have answered, or whatever breaks the loop before. */
static void ask(struct probing *p)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };
	struct event *timer = evtimer_new(p->local->base, on_timeout, p);

	if (!timer)
		return;
	(void)event_add(timer, &patience);
	executor_on_capacity(p->local->executor, on_capacity, p);
	probe_go(p->probe);
	if (!p->done)
		event_base_dispatch(p->local->base);
	executor_on_capacity(p->local->executor, NULL, NULL);
	event_free(timer);
}

int languages_probe(struct local *l, struct lang_table *langs, struct err *e)
{
	struct probing p = { .local = l };

	p.probe = probe_new(l->executor, langs, on_done, &p);
	if (!p.probe)
		return err_set(e, ERR_IO, ENOMEM, "asking the toolchains");
	ask(&p);
	if (!p.done) { /* its runs go first */
		executor_free(l->executor);
		l->executor = NULL;
	}
	probe_free(p.probe);
	if (p.done)
		return 0;
	if (l->interrupted)
		return err_set(e, ERR_IO, 0, "interrupted");
	return err_set(e, ERR_UNSUPPORTED, 0,
		       "the toolchains did not answer (codecrusher doctor may say why)");
}
