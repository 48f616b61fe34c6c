/* SPDX-License-Identifier: MIT */
/* The pieces between processes: descriptors handed over, addresses told, children waited for. */
#include "base/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/children.h"
#include "cmd/control.h"
#include "cmd/listener.h"
#include "cmd/privileges.h"
#include "cmd/spawning.h"
#include "cmd/warm.h"
#include "sandbox/config.h"

static void make_line(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
}

TEST(a_descriptor_goes_over_the_control_line)
{
	int line[2], tube[2], got;
	enum control_kind kind;
	char c = 0;
	struct err e;

	make_line(line);
	assert_int_equal(pipe(tube), 0);
	assert_int_equal(control_send(line[0], CONTROL_SPAWNER, tube[1], &e), 0);
	got = control_receive(line[1], &kind, &e);
	assert_true(got >= 0);
	assert_int_equal(kind, CONTROL_SPAWNER);
	assert_int_equal(fcntl(got, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(got, "x", 1), 1);
	assert_int_equal(read(tube[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	for (int i = 0; i < 2; i++) {
		close(line[i]);
		close(tube[i]);
	}
	close(got);
}

TEST(an_empty_control_line_is_busy_and_a_closed_one_is_broken)
{
	int line[2];
	enum control_kind kind;
	struct err e;

	make_line(line);
	assert_int_equal(control_receive(line[1], &kind, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	close(line[0]);
	assert_int_equal(control_receive(line[1], &kind, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	close(line[1]);
}

TEST(an_engine_that_never_reads_does_not_block_the_monitor)
{
	int line[2];
	struct err e = { 0 };

	make_line(line);
	while (control_send(line[0], CONTROL_SPAWNER, STDERR_FILENO, &e) == 0)
		;
	assert_int_equal(e.kind, ERR_BUSY);
	close(line[0]);
	close(line[1]);
}

static int bound(const struct sockaddr *a, socklen_t len)
{
	int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, a, len) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

TEST(the_listeners_url_has_the_real_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = bound((struct sockaddr *)&a, sizeof(a));
	socklen_t len = sizeof(a);
	char url[LISTENER_URL_SIZE], expected[LISTENER_URL_SIZE];

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(expected, sizeof(expected), "http://127.0.0.1:%u", ntohs(a.sin_port));
	assert_int_equal(listener_url(fd, url, sizeof(url)), 0);
	assert_string_equal(url, expected);
	assert_true(listener_is_loopback(fd));
	close(fd);
}

TEST(an_address_of_all_interfaces_is_not_loopback)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY) };
	int fd = bound((struct sockaddr *)&a, sizeof(a));

	assert_true(fd >= 0);
	assert_false(listener_is_loopback(fd));
	close(fd);
}

TEST(weaknesses_are_accepted_by_name)
{
	uint32_t bits = 0;
	struct err e;

	assert_int_equal(spawning_parse_weaknesses("", &bits, &e), 0);
	assert_int_equal(bits, 0);
	assert_int_equal(spawning_parse_weaknesses("swap,core", &bits, &e), 0);
	assert_int_equal(bits, SANDBOX_WEAK_SWAP | SANDBOX_WEAK_CORE);
	assert_int_equal(spawning_parse_weaknesses("cpu", &bits, &e), 0);
	assert_int_equal(bits, SANDBOX_WEAK_CPU);
	assert_int_equal(spawning_parse_weaknesses("swap,everything", &bits, &e), -1);
	assert_non_null(strstr(e.msg, "\"everything\""));
	assert_string_equal(e.field, "ALLOW_WEAK");
	assert_int_equal(spawning_parse_weaknesses(",", &bits, &e), -1);
	/* It is not a lack of the host's that could be accepted. */
	assert_int_equal(spawning_parse_weaknesses("rootless", &bits, &e), -1);
}

TEST(the_largest_range_of_a_user_is_found_by_name_or_number)
{
	static const char text[] = "root:1:1\nann:100000:65536\nanna:1000:9\n1000:300000:70000\n"
				   "ann:0:99999999\nann:4294967290:100\nann:x:y\n:5:6\nann\nbob:200000:1";
	struct id_range r;

	assert_true(rootless_parse(text, "ann", 7, &r));
	assert_int_equal(r.first, 100000);
	assert_int_equal(r.count, 65536);
	assert_true(rootless_parse(text, "ann", 1000, &r));
	assert_int_equal(r.first, 300000);
	assert_int_equal(r.count, 70000);
	assert_true(rootless_parse(text, NULL, 1000, &r));
	assert_true(rootless_parse(text, "bob", 7, &r));
	assert_int_equal(r.count, 1);
	assert_false(rootless_parse(text, "an", 100, &r));
	assert_false(rootless_parse("", "ann", 1000, &r));
}

TEST(marked_languages_are_kept_warm_while_there_is_room)
{
	char *argv[] = { (char[]){ "x" }, (char[]){ "{source}" }, NULL };
	char *env[] = { (char[]){ "A=b" }, NULL };
	char name[] = "x", source[] = "main.x";
	struct lang langs[3] = { 0 };
	struct lang_table table = { .langs = langs, .n = 3 };
	struct conf conf = { .warm_slots = -1 };
	struct sandbox_config c = { .slots = 4 };

	for (size_t i = 0; i < 3; i++)
		langs[i] = (struct lang){
			.name = name, .source = source, .run = { argv, 2 }, .env = { env, 1 }, .warm = i > 0
		};
	warm_configure(&c, &conf, &table);
	assert_int_equal(c.n_warm, 2);
	assert_int_equal(langs[0].warm_index, 0);
	assert_int_equal(langs[1].warm_index, 1);
	assert_int_equal(langs[2].warm_index, 2);
	assert_int_equal(c.warm[1].slots, 8);
	assert_int_equal(c.warm[1].keep, 1);
	assert_int_equal(c.warm[1].n_argv, 2);
	assert_int_equal(c.warm[1].n_env, 1);
	assert_int_equal(c.warm[1].text_len, sizeof("x\0main.x\0A=b"));
	assert_memory_equal(c.warm[1].text, "x\0main.x\0A=b", sizeof("x\0main.x\0A=b"));
	assert_string_equal(c.warm[1].source, "main.x");

	c = (struct sandbox_config){ .slots = 64 };
	warm_configure(&c, &conf, &table);
	assert_int_equal(c.warm[0].slots, 8);

	c = (struct sandbox_config){ .slots = 1000 };
	conf.warm_slots = 40;
	warm_configure(&c, &conf, &table);
	assert_int_equal(c.warm[0].slots, 40);
	assert_int_equal(c.warm[0].keep, 40);
	assert_int_equal(c.warm[1].slots, 6);

	c = (struct sandbox_config){ .slots = 4 };
	conf.warm_slots = 0;
	warm_configure(&c, &conf, &table);
	assert_int_equal(c.n_warm, 0);
	assert_int_equal(langs[1].warm_index, 0);
}

TEST(a_user_that_is_missing_or_root_is_refused_with_what_to_do)
{
	struct account a;
	struct err e;

	assert_int_equal(account_find("codecrusher-no-such-user", &a, &e), -1);
	assert_non_null(strstr(e.msg, "useradd"));
	assert_int_equal(account_find("root", &a, &e), -1);
	assert_string_equal(e.field, "USER");
}

TEST(a_child_that_does_not_end_is_killed_at_the_deadline)
{
	int status;
	pid_t pid;

	children_take_signals();
	pid = children_fork(true);
	if (pid == 0) {
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	status = children_wait_or_kill(pid, 20);
	assert_true(WIFSIGNALED(status));
	assert_string_equal(children_describe(status), "signal 9 (Killed)");
}

TEST(a_child_that_ends_is_waited_for)
{
	int status;
	pid_t pid;

	children_take_signals();
	pid = children_fork(false);
	if (pid == 0)
		_exit(7);
	status = children_wait_or_kill(pid, 60000);
	assert_string_equal(children_describe(status), "exit status 7");
}

UNIT_MAIN(T(a_descriptor_goes_over_the_control_line),
	  T(an_empty_control_line_is_busy_and_a_closed_one_is_broken),
	  T(an_engine_that_never_reads_does_not_block_the_monitor), T(the_listeners_url_has_the_real_port),
	  T(an_address_of_all_interfaces_is_not_loopback), T(weaknesses_are_accepted_by_name),
	  T(the_largest_range_of_a_user_is_found_by_name_or_number),
	  T(marked_languages_are_kept_warm_while_there_is_room),
	  T(a_user_that_is_missing_or_root_is_refused_with_what_to_do),
	  T(a_child_that_does_not_end_is_killed_at_the_deadline), T(a_child_that_ends_is_waited_for))
