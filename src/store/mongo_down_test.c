/* SPDX-License-Identifier: MIT */
/* The MongoDB store against a real server that goes away, hangs, is full, or is not there at all. */
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/mongo_testing.h"

/* ---- a server that goes away ---- */

TEST(a_result_whose_answer_got_lost_is_known_again)
{
	struct fixture f = { 0 };
	struct test_proxy proxy = { 0 };
	struct answer a = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, 0);
	struct result *r = new_result(s, 9, 'y');

	test_proxy_start(&proxy, server.port, "writtenBy");
	open_at(&f, proxy.port, 2000);
	create_well(&f, s);
	proxy.armed = true;
	assert_true(finish_well(&f, r, DAY_MS));
	assert_int_equal(proxy.lost, 1);
	get_well(&f, s->id, &a);
	assert_int_equal(a.result->run.out.data.len, 9);
	answer_done(&a);
	result_unref(r);
	submission_unref(s);
	close_fixture(&f);
	test_proxy_stop(&proxy);
}

TEST(a_create_whose_answer_got_lost_is_tried_again)
{
	struct fixture f = { 0 };
	struct test_proxy proxy = { 0 };
	struct answer a = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, (size_t)2 << 20);

	test_proxy_start(&proxy, server.port, "storing");
	open_at(&f, proxy.port, 2000);
	get_well(&f, s->id, &a);
	proxy.armed = true;
	create_well(&f, s);
	assert_int_equal(proxy.lost, 1);
	load_well(&f, s->id, &a);
	assert_same_submission(a.submission, s);
	answer_done(&a);
	submission_unref(s);
	close_fixture(&f);
	test_proxy_stop(&proxy);
}

TEST(results_are_kept_while_the_server_is_down_and_the_rest_is_told)
{
	struct fixture f = { 0 };
	struct answer a = { 0 }, finished = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, 0);
	struct result *r = new_result(s, 1, 'y');
	bool applied = false;
	struct store_finish finish = { .result = r, .expires_ms = DAY_MS, .ret_applied = &applied };
	struct err e = { 0 };

	open_at(&f, server.port, 500);
	create_well(&f, s);
	assert_int_equal(f.store->ops->ready(f.store, &e), 0);
	assert_false(f.store->ops->busy(f.store));
	test_server_kill(&server);

	f.store->ops->finish(f.store, &finish, on_done, &finished);
	f.store->ops->get(f.store, s->id, on_get, &a);
	wait_for(&f, &a);
	assert_int_equal(a.kind, ERR_BUSY);
	pump_until(&f, &f.changes, 2);
	assert_true(f.lost);
	assert_non_null(strstr(f.why, "MongoDB cannot be reached"));
	assert_int_equal(f.store->ops->ready(f.store, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_true(f.store->ops->busy(f.store));

	/* It is known by now, so nobody waits for a timeout. */
	answer_done(&a);
	f.store->ops->create(f.store, s, on_done, &a);
	event_base_loop(f.base, EVLOOP_NONBLOCK);
	assert_int_equal(a.told, 1);
	assert_int_equal(a.kind, ERR_BUSY);

	assert_int_equal(finished.told, 0);
	test_server_start(&server);
	wait_well(&f, &finished);
	assert_true(applied);
	assert_false(f.lost);
	assert_int_equal(f.changes, 3);
	assert_int_equal(f.store->ops->ready(f.store, &e), 0);
	get_well(&f, s->id, &a);
	assert_non_null(a.result);
	answer_done(&a);
	result_unref(r);
	submission_unref(s);
	close_fixture(&f);
}

TEST(a_restart_between_two_calls_is_not_noticed)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, 0);
	struct submission *other = new_submission(NULL, 1700000000000, 0);

	open_fixture(&f);
	create_well(&f, s);
	test_server_kill(&server);
	test_server_start(&server);
	create_well(&f, other);
	get_well(&f, s->id, &a);
	assert_true(a.found);
	assert_int_equal(f.changes, 1);
	submission_unref(s);
	submission_unref(other);
	close_fixture(&f);
}

TEST(a_server_that_hangs_costs_a_timeout_and_no_more)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, 0);
	int64_t start;

	open_at(&f, server.port, 2000);
	create_well(&f, s);
	kill(server.pid, SIGSTOP);
	/* Its other threads go on until they are told, too. */
	assert_int_equal(waitpid(server.pid, NULL, WUNTRACED), server.pid);
	start = clock_mono_ms();
	f.store->ops->get(f.store, s->id, on_get, &a);
	wait_for(&f, &a);
	assert_int_equal(a.kind, ERR_BUSY);
	assert_true(clock_mono_ms() - start < 30000);
	pump_until(&f, &f.changes, 2);
	kill(server.pid, SIGCONT);
	pump_until(&f, &f.changes, 3);
	get_well(&f, s->id, &a);
	assert_true(a.found);
	submission_unref(s);
	close_fixture(&f);
}

TEST(the_end_does_not_wait_for_a_server_that_is_not_there)
{
	struct fixture f = { 0 };
	struct answer finished = { 0 }, a = { 0 }, late = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, 0);
	struct result *r = new_result(s, 1, 'y');
	bool applied = false;
	struct store_finish finish = { .result = r, .expires_ms = DAY_MS, .ret_applied = &applied };

	open_at(&f, test_free_port(), 300);
	f.store->ops->finish(f.store, &finish, on_done, &finished);
	f.store->ops->create(f.store, s, on_done, &a);
	assert_true(f.store->ops->busy(f.store));
	assert_true(f.store->ops->stop(f.store));
	assert_int_equal(finished.told, 1);
	assert_int_equal(finished.kind, ERR_BUSY);
	assert_int_equal(a.told, 1);
	assert_int_equal(a.kind, ERR_BUSY);
	f.store->ops->create(f.store, s, on_done, &late);
	assert_int_equal(late.told, 0);
	assert_true(f.store->ops->stop(f.store));
	assert_int_equal(late.kind, ERR_BUSY);
	assert_false(f.store->ops->stop(f.store));
	assert_false(f.store->ops->busy(f.store));
	result_unref(r);
	submission_unref(s);
	close_fixture(&f);
}

TEST(the_end_waits_for_what_can_be_done)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };

	/* All of it, however slow this build is. */
	open_at(&f, server.port, 60000);
	for (int i = 0; i < 50; i++) {
		struct submission *s = new_submission(NULL, 1700000000000, 100);

		f.store->ops->create(f.store, s, on_done, &a);
		submission_unref(s);
	}
	while (f.store->ops->stop(f.store))
		;
	assert_int_equal(a.told, 50);
	assert_int_equal(a.kind, ERR_NONE);
	assert_int_equal(count_docs(&f, "submissions"), 50);
	close_fixture(&f);
}

TEST(more_calls_than_may_wait_are_refused)
{
	struct fixture f = { 0 };
	struct answer a = { 0 }, last = { 0 };
	struct store_mongo_options options = { .plugin = PLUGIN, .timeout_ms = 300, .max_pending = 3 };
	struct err e;

	f.base = event_base_new();
	snprintf(f.url, sizeof(f.url), "mongodb://127.0.0.1:%d/", test_free_port());
	options.url = f.url;
	f.store = store_mongo_open(f.base, &options, &e);
	assert_non_null(f.store);
	for (int i = 0; i < 3; i++)
		f.store->ops->get(f.store, "x", on_get, &a);
	f.store->ops->get(f.store, "x", on_get, &last);
	event_base_loop(f.base, EVLOOP_NONBLOCK);
	assert_int_equal(last.told, 1);
	assert_int_equal(last.kind, ERR_BUSY);
	assert_non_null(strstr(last.msg, "Too much"));
	pump_until(&f, &a.told, 3);
	close_fixture(&f);
}

/* ---- a full disk ---- */

static void fill_disk(const char *path)
{
	static char bytes[1 << 16];
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	setvbuf(file, NULL, _IONBF, 0);
	while (fwrite(bytes, 1, sizeof(bytes), file) == sizeof(bytes))
		;
	(void)fclose(file);
}

TEST(a_full_disk_is_told_and_results_outlast_it)
{
	struct test_server small = { .dir = "/tmp/codecrusher-mongo-XXXXXX" };
	char filler[96];
	struct fixture f = { 0 };
	struct answer a = { 0 }, finished = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, 0);
	struct submission *big = new_submission(NULL, 1700000000000, 900000);
	struct result *r = new_result(s, 600000, 'y');
	bool applied = false;
	struct store_finish finish = { .result = r, .expires_ms = DAY_MS, .ret_applied = &applied };
	struct err e = { 0 };

	assert_non_null(mkdtemp(small.dir));
	assert_int_equal(mount("tmpfs", small.dir, "tmpfs", 0, "size=400m"), 0); /* only root may */
	test_server_start(&small);
	open_at(&f, small.port, 3000);
	create_well(&f, s);
	snprintf(filler, sizeof(filler), "%s/filler", small.dir);
	fill_disk(filler);

	f.store->ops->finish(f.store, &finish, on_done, &finished);
	f.store->ops->create(f.store, big, on_done, &a);
	wait_for(&f, &a);
	print_message("full disk: %s\n", a.msg);
	assert_int_equal(a.kind, ERR_DISK_FULL);
	assert_int_equal(f.store->ops->ready(f.store, &e), -1);
	assert_int_equal(e.kind, ERR_DISK_FULL);
	assert_int_equal(finished.told, 0);
	assert_int_equal(unlink(filler), 0);
	wait_well(&f, &finished);
	assert_true(applied);
	assert_int_equal(f.store->ops->ready(f.store, &e), 0);

	submission_unref(s);
	submission_unref(big);
	result_unref(r);
	close_fixture(&f);
	test_server_kill(&small);
	assert_int_equal(umount(small.dir), 0);
	test_server_remove(&small);
}

/* ---- opening ---- */

static struct store *open_with(struct event_base *base, const char *plugin, const char *url, struct err *e)
{
	struct store_mongo_options options = { .plugin = plugin, .url = url };

	return store_mongo_open(base, &options, e);
}

TEST(what_cannot_be_opened_is_told_without_the_password)
{
	static const char *const urls[] = {
		"http://user:hunter2@h/",
		"mongodb://user:hunter2@",
		"mongodb://user:hunter2@h:port/",
	};
	struct event_base *base = event_base_new();
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		assert_null(open_with(base, PLUGIN, urls[i], &e));
		assert_int_equal(e.kind, ERR_INVALID);
		assert_non_null(strstr(e.msg, "MONGO_URL"));
		assert_null(strstr(e.msg, "hun"));
	}
	assert_null(open_with(base, "/nowhere/libcodecrusher-mongo.so", "mongodb://h/", &e));
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "not installed"));
	assert_null(open_with(base, "/proc/self/exe", "mongodb://h/", &e));
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	event_base_free(base);
}

TEST(a_library_in_a_directory_that_is_closed_to_us_is_loaded_from_its_descriptor)
{
	struct store_mongo_options options = { .plugin = "/nowhere/libcodecrusher-mongo.so",
					       .url = "mongodb://h:p/" };
	struct event_base *base = event_base_new();
	struct err e = { 0 };

	options.plugin_fd = open(PLUGIN, O_RDONLY | O_CLOEXEC);
	assert_true(options.plugin_fd > 0);
	assert_null(store_mongo_open(base, &options, &e));
	assert_int_equal(e.kind, ERR_INVALID); /* says the library, of the URL */
	assert_int_equal(close(options.plugin_fd), 0);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_result_whose_answer_got_lost_is_known_again),
		T(a_create_whose_answer_got_lost_is_tried_again),
		T(results_are_kept_while_the_server_is_down_and_the_rest_is_told),
		T(a_restart_between_two_calls_is_not_noticed),
		T(a_server_that_hangs_costs_a_timeout_and_no_more),
		T(the_end_does_not_wait_for_a_server_that_is_not_there),
		T(the_end_waits_for_what_can_be_done),
		T(more_calls_than_may_wait_are_refused),
		T(a_full_disk_is_told_and_results_outlast_it),
		T(what_cannot_be_opened_is_told_without_the_password),
		T(a_library_in_a_directory_that_is_closed_to_us_is_loaded_from_its_descriptor),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
