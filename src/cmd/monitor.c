/* SPDX-License-Identifier: MIT */
#include "cmd/monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cmd/backoff.h"
#include "cmd/children.h"
#include "cmd/cmd.h"
#include "cmd/control.h"
#include "cmd/keys_file.h"

/* How long a spawner may take to kill its slots and clean up after the engine is gone, and how much longer
 * than its own deadline an engine may take to end. */
#define GRACE_MS 5000

/* Wrappers like timeout(1) and make(1) pass a signal on that has reached us already: only a later one means
 * impatience. */
#define SECOND_REQUEST_MS 1000

#define NEVER		  INT64_MAX

struct child {
	const char *name;
	pid_t pid; /* 0: not running */
	unsigned starts;
	int64_t started_ms;
	int64_t start_at_ms; /* while not running: when to start it */
	int64_t kill_at_ms;  /* while running: when patience ends, or NEVER */
	struct backoff backoff;
};

struct monitor {
	const struct engine_setup *setup;
	const struct spawning *spawning;
	struct child engine, spawner;
	int control; /* -1 while there is no engine */
	bool stopping;
	bool draining; /* stopping, but running jobs have all their time */
	int64_t stopped_at_ms;
	int exit_code;
};

static void child_started(struct child *c, pid_t pid, int64_t now)
{
	c->pid = pid;
	c->starts++;
	c->started_ms = now;
	c->kill_at_ms = NEVER;
	log_debug(NULL, "%s started, pid %d", c->name, (int)pid);
}

static void put_off(struct child *c, int64_t now)
{
	c->start_at_ms = now + backoff_next(&c->backoff, now - c->started_ms);
}

static void engine_child(const struct monitor *m, int spawner, int control, pid_t parent)
{
	(void)prctl(PR_SET_NAME, "codecrusher-eng", 0, 0, 0);
	if (m->spawning)
		spawning_done(m->spawning);
	exit(engine_main(m->setup, spawner, control, parent));
}

/* Forks an engine that talks to the spawner at `spawner_fd`, or to none at -1. */
static int start_engine(struct monitor *m, int spawner_fd, int64_t now)
{
	pid_t parent = getpid(), pid;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	pid = children_fork(true);
	if (pid == 0) {
		(void)close(pair[0]);
		engine_child(m, spawner_fd, pair[1], parent);
	}
	(void)close(pair[1]);
	if (pid < 0) {
		(void)close(pair[0]);
		return -1;
	}
	m->control = pair[0];
	child_started(&m->engine, pid, now);
	return 0;
}

static void start_alone(struct monitor *m, int64_t now)
{
	if (start_engine(m, -1, now) < 0) {
		log_error(NULL, "starting the engine: %s", strerror(errno));
		put_off(&m->engine, now);
	}
}

/* The spawner first: its slots get ready while the engine opens its database. */
static void start_both(struct monitor *m, int64_t now)
{
	int fd;
	struct err e;
	pid_t pid = spawning_start(m->spawning, &fd, &e);

	if (pid < 0) {
		log_error(NULL, "%s", e.msg);
		put_off(&m->engine, now);
		return;
	}
	child_started(&m->spawner, pid, now);
	if (start_engine(m, fd, now) < 0) {
		log_error(NULL, "starting the engine: %s", strerror(errno));
		m->spawner.kill_at_ms = now + GRACE_MS; /* its socket ends below */
		put_off(&m->engine, now);
	}
	(void)close(fd);
}

static void replace_spawner(struct monitor *m, int64_t now)
{
	int fd;
	struct err e;
	pid_t pid = spawning_start(m->spawning, &fd, &e);

	if (pid < 0) {
		log_error(NULL, "%s", e.msg);
		put_off(&m->spawner, now);
		return;
	}
	child_started(&m->spawner, pid, now);
	if (control_send(m->control, CONTROL_SPAWNER, fd, &e) < 0) {
		/* Either it is dead, which will be noticed next, or it hangs. */
		log_error(NULL, "%s: ending the engine", e.msg);
		(void)kill(m->engine.pid, SIGKILL);
	}
	(void)close(fd);
}

static void start_due(struct monitor *m, int64_t now)
{
	if (m->stopping)
		return;
	if (!m->spawning) {
		if (!m->engine.pid && now >= m->engine.start_at_ms)
			start_alone(m, now);
		return;
	}
	if (!m->engine.pid && !m->spawner.pid && now >= m->engine.start_at_ms)
		start_both(m, now);
	else if (m->engine.pid && !m->spawner.pid && now >= m->spawner.start_at_ms)
		replace_spawner(m, now);
}

static bool refused_to_start(const struct child *c, int status)
{
	return c->starts == 1 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CODE_CONFIG;
}

/* Without CAP_KILL another user's process cannot be told anything. It dies with us, so we need not wait for
 * it. */
static void tell_engine(struct monitor *m, int sig)
{
	if (kill(m->engine.pid, sig) == 0 || errno != EPERM)
		return;
	log_error(NULL, "the engine cannot be ended in order, since CAP_KILL is missing: it is killed");
	m->engine.pid = 0;
	if (m->spawner.pid)
		m->spawner.kill_at_ms = m->stopped_at_ms + GRACE_MS;
}

/* Ends everything in order: the engine first, whose end ends the spawner. After SIGUSR1 nobody is hurried;
 * SIGTERM may still follow. */
static void stop(struct monitor *m, int exit_code, int sig, int64_t now)
{
	if (m->stopping && !m->draining)
		return;
	m->stopping = true;
	m->draining = sig == SIGUSR1;
	m->stopped_at_ms = now;
	m->exit_code = exit_code;
	if (m->engine.pid && m->draining) {
		m->engine.kill_at_ms = NEVER;
		tell_engine(m, SIGUSR1);
	} else if (m->engine.pid) {
		m->engine.kill_at_ms = now + m->setup->conf->shutdown_s * 1000 + GRACE_MS;
		tell_engine(m, SIGTERM);
	} else if (m->spawner.pid) {
		m->spawner.kill_at_ms = now + GRACE_MS;
	}
}

static void engine_ended(struct monitor *m, int status, int64_t now)
{
	bool in_order = WIFEXITED(status)
				? WEXITSTATUS(status) == EXIT_CODE_OK
				: WTERMSIG(status) == SIGTERM ||
					  WTERMSIG(status) == SIGUSR1; /* before it took signals itself */

	m->engine.pid = 0;
	(void)close(m->control);
	m->control = -1;
	if (m->spawner.pid)
		m->spawner.kill_at_ms = now + GRACE_MS;
	if (m->stopping) {
		if (!in_order && m->exit_code == EXIT_CODE_OK)
			m->exit_code = EXIT_CODE_FAILED;
		return;
	}
	if (refused_to_start(&m->engine, status)) {
		stop(m, EXIT_CODE_CONFIG, SIGTERM, now);
		return;
	}
	put_off(&m->engine, now);
	log_error(NULL, "the engine ended (%s); starting it again in %lld ms", children_describe(status),
		  (long long)(m->engine.start_at_ms - now));
}

static void spawner_ended(struct monitor *m, int status, int64_t now)
{
	m->spawner.pid = 0;
	if (m->stopping || !m->engine.pid)
		return;
	if (refused_to_start(&m->spawner, status)) {
		stop(m, EXIT_CODE_CONFIG, SIGTERM, now);
		return;
	}
	put_off(&m->spawner, now);
	log_error(NULL, "the spawner ended (%s); starting it again in %lld ms", children_describe(status),
		  (long long)(m->spawner.start_at_ms - now));
}

/* Everything that ended, including orphans we adopted: in a container we may be pid 1. */
static void reap(struct monitor *m, int64_t now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == m->engine.pid)
			engine_ended(m, status, now);
		else if (pid == m->spawner.pid)
			spawner_ended(m, status, now);
	}
}

static void kill_due(struct child *c, int64_t now)
{
	if (!c->pid || now < c->kill_at_ms)
		return;
	log_warn(NULL, "the %s did not end in time and is killed", c->name);
	(void)kill(c->pid, SIGKILL);
	c->kill_at_ms = NEVER;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Milliseconds until something is due; -1: only a signal changes anything. */
static int64_t next_due(const struct monitor *m, int64_t now)
{
	int64_t at = NEVER;

	if (m->engine.pid)
		at = earlier(at, m->engine.kill_at_ms);
	if (m->spawner.pid)
		at = earlier(at, m->spawner.kill_at_ms);
	if (!m->stopping && !m->spawning && !m->engine.pid)
		at = earlier(at, m->engine.start_at_ms);
	else if (!m->stopping && m->spawning && !m->spawner.pid)
		at = earlier(at, m->engine.pid ? m->spawner.start_at_ms : m->engine.start_at_ms);
	if (at == NEVER)
		return -1;
	return at > now ? at - now : 0;
}

/* The engine reads it, with the rights of a user. */
static void renew_keys(const struct monitor *m)
{
	const char *path = m->setup->conf->api_keys_file;
	AUTO_CLOSE int fd = -1;
	struct err e;

	if (!m->setup->serves || !path[0] || m->control < 0)
		return;
	fd = keys_file_open(path, &e);
	if (fd < 0 || control_send(m->control, CONTROL_KEYS, fd, &e) < 0)
		log_error(NULL, "%s; the keys known so far stay in force", e.msg);
}

static void on_signal(struct monitor *m, int sig, int64_t now)
{
	if (sig == SIGHUP)
		renew_keys(m);
	if (sig == SIGUSR1 && !m->stopping) {
		log_info(NULL, "draining");
		stop(m, EXIT_CODE_OK, SIGUSR1, now);
	}
	if (sig != SIGTERM && sig != SIGINT)
		return;
	if (m->stopping && !m->draining) {
		if (!m->engine.pid || now - m->stopped_at_ms < SECOND_REQUEST_MS)
			return;
		log_warn(NULL, "asked to stop a second time: not waiting for running jobs any longer");
		m->engine.kill_at_ms = now;
		return;
	}
	log_info(NULL, "stopping");
	stop(m, EXIT_CODE_OK, SIGTERM, now);
}

int monitor_run(const struct engine_setup *setup, const struct spawning *spawning)
{
	struct monitor m = {
		.setup = setup,
		.spawning = spawning,
		.engine = { .name = "engine" },
		.spawner = { .name = "spawner" },
		.control = -1,
	};

	(void)prctl(PR_SET_NAME, "codecrusher-mon", 0, 0, 0);
	children_take_signals();
	while (!m.stopping || m.engine.pid || m.spawner.pid) {
		int64_t now;
		int sig;

		start_due(&m, clock_mono_ms());
		sig = children_wait_signal(next_due(&m, clock_mono_ms()));
		now = clock_mono_ms();
		on_signal(&m, sig, now);
		reap(&m, now);
		kill_due(&m.engine, now);
		kill_due(&m.spawner, now);
	}
	return m.exit_code;
}
