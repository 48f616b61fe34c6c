/* SPDX-License-Identifier: MIT */
/*
 * The monitor with an engine and a spawner that only report who they are: the spawner (this program again,
 * exec'ed under the spawner's name) tells its engine its pid, the engine tells the test.
 */
#include "base/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/children.h"
#include "cmd/cmd.h"
#include "cmd/control.h"
#include "cmd/monitor.h"
#include "sandbox/config.h"

enum manner { MANNER_GOOD, MANNER_ENGINE_REFUSES, MANNER_SPAWNER_REFUSES };

struct event {
	char who; /* 'E' or 'S' */
	pid_t pid;
};

static enum manner manner;
static int events[2];

static void tell(char who, pid_t pid)
{
	struct event ev = { .who = who, .pid = pid };

	(void)!write(events[1], &ev, sizeof(ev));
}

static int spawner_process(void)
{
	enum manner how = MANNER_GOOD;
	pid_t self = getpid();
	char c;

	if (pread(SANDBOX_CONFIG_FD, &how, sizeof(how), 0) != (ssize_t)sizeof(how))
		return 1;
	if (how == MANNER_SPAWNER_REFUSES)
		return EXIT_CODE_CONFIG;
	if (send(SANDBOX_ENGINE_FD, &self, sizeof(self), MSG_NOSIGNAL) != (ssize_t)sizeof(self))
		return 1;
	for (;;) {
		struct pollfd p = { .fd = SANDBOX_ENGINE_FD, .events = POLLIN };

		(void)poll(&p, 1, -1);
		if (recv(SANDBOX_ENGINE_FD, &c, 1, 0) == 0)
			return 0;
	}
}

int engine_main(const struct engine_setup *setup, int spawner, int control, pid_t parent)
{
	(void)setup;
	(void)parent;
	if (manner == MANNER_ENGINE_REFUSES)
		return EXIT_CODE_CONFIG;
	tell('E', getpid());
	for (;;) {
		struct pollfd p[2] = { { .fd = spawner, .events = POLLIN },
				       { .fd = control, .events = POLLIN } };
		enum control_kind kind;
		struct err e;
		pid_t pid;

		(void)poll(p, 2, -1);
		if (p[1].revents) {
			(void)close(spawner);
			spawner = control_receive(control, &kind, &e);
		} else if (recv(spawner, &pid, sizeof(pid), 0) == (ssize_t)sizeof(pid)) {
			tell('S', pid);
		} else {
			spawner = -1; /* poll ignores it until the next one comes */
		}
	}
}

/* Forks a monitor; its pid. */
static pid_t start(enum manner how)
{
	static char none[] = "";
	static const struct conf conf = { .shutdown_s = 1, .api_keys_file = none };
	const struct engine_setup setup = { .conf = &conf };
	pid_t pid;

	manner = how;
	assert_int_equal(pipe2(events, O_CLOEXEC), 0);
	pid = children_fork(true);
	if (pid == 0) {
		struct spawning s = { .binary = open("/proc/self/exe", O_PATH | O_CLOEXEC),
				      .config = memfd_create("config", MFD_CLOEXEC) };

		(void)!write(s.config, &how, sizeof(how));
		_exit(monitor_run(&setup, &s));
	}
	assert_true(pid > 0);
	(void)close(events[1]);
	return pid;
}

/* The next start of `who`; others that come before it are passed over. */
static pid_t next(char who)
{
	struct event ev;

	do
		assert_int_equal(read(events[0], &ev, sizeof(ev)), sizeof(ev));
	while (ev.who != who);
	return ev.pid;
}

static void ends_with(pid_t monitor, int code)
{
	int status;

	assert_int_equal(waitpid(monitor, &status, 0), monitor);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
	(void)close(events[0]);
}

/* Whether nobody of that pid is left, not even as a zombie. */
static bool is_gone(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}

TEST(a_sigterm_ends_engine_then_spawner_then_the_monitor)
{
	pid_t monitor = start(MANNER_GOOD), engine = next('E'), spawner = next('S');

	kill(monitor, SIGTERM);
	ends_with(monitor, EXIT_CODE_OK);
	assert_true(is_gone(engine));
	assert_true(is_gone(spawner));
}

TEST(a_dead_spawner_is_replaced_and_the_same_engine_gets_the_new_one)
{
	pid_t monitor = start(MANNER_GOOD), engine = next('E'), first = next('S'), second;

	kill(first, SIGKILL);
	second = next('S');
	assert_int_not_equal(first, second);
	assert_false(is_gone(engine));
	kill(second, SIGKILL);
	assert_int_not_equal(next('S'), second);
	kill(monitor, SIGTERM);
	ends_with(monitor, EXIT_CODE_OK);
}

TEST(a_dead_engine_is_replaced_together_with_its_spawner)
{
	pid_t monitor = start(MANNER_GOOD), engine = next('E'), spawner = next('S');

	kill(engine, SIGKILL);
	assert_int_not_equal(next('E'), engine);
	assert_true(is_gone(spawner));
	assert_int_not_equal(next('S'), spawner);
	kill(monitor, SIGTERM);
	ends_with(monitor, EXIT_CODE_OK);
}

TEST(a_sighup_changes_nothing)
{
	pid_t monitor = start(MANNER_GOOD), engine;

	engine = next('E');
	kill(monitor, SIGHUP);
	kill(monitor, SIGINT);
	ends_with(monitor, EXIT_CODE_OK);
	assert_true(is_gone(engine));
}

TEST(children_die_with_a_killed_monitor)
{
	pid_t monitor = start(MANNER_GOOD);
	struct event ev;
	int status;

	(void)next('S');
	kill(monitor, SIGKILL);
	assert_int_equal(waitpid(monitor, &status, 0), monitor);
	/* The engine held the last writing end of the pipe. */
	assert_int_equal(read(events[0], &ev, sizeof(ev)), 0);
	(void)close(events[0]);
}

TEST(an_engine_that_cannot_start_ends_the_monitor_with_its_status)
{
	ends_with(start(MANNER_ENGINE_REFUSES), EXIT_CODE_CONFIG);
}

TEST(a_spawner_that_cannot_isolate_ends_the_monitor_with_its_status)
{
	ends_with(start(MANNER_SPAWNER_REFUSES), EXIT_CODE_CONFIG);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		T(a_sigterm_ends_engine_then_spawner_then_the_monitor),
		T(a_dead_spawner_is_replaced_and_the_same_engine_gets_the_new_one),
		T(a_dead_engine_is_replaced_together_with_its_spawner),
		T(a_sighup_changes_nothing),
		T(children_die_with_a_killed_monitor),
		T(an_engine_that_cannot_start_ends_the_monitor_with_its_status),
		T(a_spawner_that_cannot_isolate_ends_the_monitor_with_its_status),
	};

	if (argc > 0 && !strcmp(argv[0], "codecrusher-spawner"))
		return spawner_process();
	log_setup(LOG_ERROR + 1, false, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
