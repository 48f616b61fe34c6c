/* SPDX-License-Identifier: MIT */
#include "cmd/local.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cmd/children.h"
#include "cmd/cmd.h"
#include "cmd/spawning.h"
#include "executor/native.h"

/* For killing a slot and removing its cgroups. */
#define SPAWNER_END_MS 5000

/* A slot takes some milliseconds to build; this is for a host under load. */
#define READY_MS 30000

static void on_detached(const struct err *why, void *arg)
{
	struct local *l = arg;

	(void)why; /* the spawner has said it better */
	l->lost = true;
	event_base_loopbreak(l->base);
}

static void on_capacity(void *arg)
{
	const struct local *l = arg;

	event_base_loopbreak(l->base);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	const struct local *l = arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(l->base);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct local *l = arg;

	(void)what;
	l->interrupted = (int)sig;
	event_base_loopbreak(l->base);
}

/* Runs the loop until there is capacity or no hope for it. */
static bool wait_for_capacity(struct local *l)
{
	const int64_t deadline = clock_mono_ms() + READY_MS;
	const struct timeval patience = { .tv_sec = READY_MS / 1000 };
	struct event *timer = evtimer_new(l->base, on_timeout, l);
	struct exec_capacity c = { 0 };

	if (!timer)
		return false;
	(void)event_add(timer, &patience);
	executor_on_capacity(l->executor, on_capacity, l);
	for (;;) {
		executor_capacity(l->executor, &c);
		if (l->lost || l->interrupted || c.ready > 0 || clock_mono_ms() >= deadline)
			break;
		event_base_dispatch(l->base);
	}
	executor_on_capacity(l->executor, NULL, NULL);
	event_free(timer);
	return c.ready > 0;
}

int local_wait_ready(struct local *l, struct err *e)
{
	bool ready = wait_for_capacity(l);

	if (l->interrupted)
		return err_set(e, ERR_IO, 0, "interrupted");
	if (l->lost)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "the spawner ended: no container can be built (codecrusher doctor says why)");
	if (!ready)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "no container could be built (codecrusher doctor says why)");
	return 0;
}

static int work(struct local *l, int spawner, local_fn *fn, void *arg, int failed)
{
	const struct native_options options = { .detached = on_detached, .arg = l };
	struct event *term = evsignal_new(l->base, SIGTERM, on_signal, l);
	struct event *interrupt = evsignal_new(l->base, SIGINT, on_signal, l);
	int code = failed;
	struct err e = { 0 };

	if (term && interrupt && !event_add(term, NULL) && !event_add(interrupt, NULL))
		l->executor = native_new(l->base, &options, &e);
	if (!l->executor)
		code = cmd_fail(failed, "out of memory");
	else if (native_attach(l->executor, spawner, &e) < 0 || local_wait_ready(l, &e) < 0)
		code = l->interrupted ? 128 + l->interrupted : cmd_fail(failed, "%s", e.msg);
	else
		code = fn(l, arg);
	executor_free(l->executor);
	if (term)
		event_free(term);
	if (interrupt)
		event_free(interrupt);
	return code;
}

static int child(const struct conf *conf, const struct account *account, int spawner, local_fn *fn, void *arg,
		 int failed, pid_t parent)
{
	struct local l = { 0 };
	struct err e;
	int code;

	log_setup((enum log_level)conf->log_level, conf->log_json, "codecrusher");
	if (privileges_drop(account, &e) < 0 || chdir("/") < 0)
		return cmd_fail(failed, "giving up root failed: %s", e.msg);
	children_die_with(parent);
	l.base = event_base_new();
	if (!l.base)
		return cmd_fail(failed, "out of memory");
	code = work(&l, spawner, fn, arg, failed);
	event_base_free(l.base);
	libevent_global_shutdown();
	return code;
}

/* Waits for the child, passing on what asks us to stop. Its exit status. */
static int wait_for(pid_t pid, int failed)
{
	int status = 0, sig;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		sig = children_wait_signal(-1);
		if (sig == SIGTERM || sig == SIGINT)
			(void)kill(pid, sig);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	if (sig == SIGTERM || sig == SIGINT) /* it came before the child could take it */
		return 128 + sig;
	return cmd_fail(failed, "ended by %s", children_describe(status));
}

static int start(const struct conf *conf, const struct account *account, const struct spawning *spawning,
		 local_fn *fn, void *arg, int failed)
{
	pid_t parent = getpid(), spawner, pid;
	struct err e;
	int sock, code;

	children_take_signals();
	spawner = spawning_start(spawning, &sock, &e);
	if (spawner < 0)
		return cmd_fail(failed, "%s", e.msg);
	(void)fflush(stdout);
	pid = children_fork(false);
	if (pid == 0) {
		spawning_done(spawning);
		exit(child(conf, account, sock, fn, arg, failed, parent));
	}
	(void)close(sock);
	code = pid < 0 ? cmd_fail(failed, "fork: %s", strerror(errno)) : wait_for(pid, failed);
	(void)children_wait_or_kill(spawner, SPAWNER_END_MS);
	return code;
}

int local_run(const struct conf *conf, unsigned slots, local_fn *fn, void *arg, int failed)
{
	struct account account;
	struct spawning spawning;
	struct err e;
	int code;

	if (account_find(conf->user, &account, &e) < 0)
		return cmd_fail(failed, "%s", e.msg);
	if (spawning_prepare(&spawning, conf, slots, NULL, NULL, &e) < 0)
		return cmd_fail(failed, "%s", e.msg);
	code = start(conf, &account, &spawning, fn, arg, failed);
	spawning_done(&spawning);
	return code;
}
