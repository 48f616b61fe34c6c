/* SPDX-License-Identifier: MIT */
#include "cmd/languages_probe.h"

#include <errno.h>
#include <event2/event.h>

#include "base/clock.h"
#include "worker/probe.h"

/* A slot that breaks is asked again, but not for ever. */
#define ANSWER_MS 60000

struct probing {
	struct local *local;
	bool done;
};

static void on_done(void *arg)
{
	struct probing *p = arg;

	p->done = true;
	event_base_loopbreak(p->local->base);
}

int languages_probe(struct local *l, struct lang_table *langs, struct err *e)
{
	struct probing p = { .local = l };
	struct probe *probe = probe_new(l->executor, langs, on_done, &p);
	const int64_t deadline = clock_mono_ms() + ANSWER_MS;
	int rc = 0;

	if (!probe)
		return err_set(e, ERR_IO, ENOMEM, "asking the toolchains");
	while (!p.done && rc == 0) {
		rc = local_wait_ready(l, e);
		if (rc == 0 && clock_mono_ms() >= deadline)
			rc = err_set(e, ERR_UNSUPPORTED, 0, "the toolchains did not answer in %d s",
				     ANSWER_MS / 1000);
		if (rc == 0)
			probe_go(probe);
		if (rc == 0 && !p.done)
			event_base_dispatch(l->base);
	}
	if (!p.done) { /* its runs go first */
		executor_free(l->executor);
		l->executor = NULL;
	}
	probe_free(probe);
	return rc;
}
