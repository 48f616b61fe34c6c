/* SPDX-License-Identifier: MIT */
/* The MongoDB store against a real server that works. */
#include <string.h>

#include "base/clock.h"
#include "store/mongo_testing.h"

/* ---- one job ---- */

TEST(a_job_goes_from_create_to_its_result_and_away)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct submission *s = new_submission(NULL, 1700000000123, 10);
	struct result *r = new_result(s, 4, 'x');

	open_fixture(&f);
	create_well(&f, s);
	get_well(&f, s->id, &a);
	assert_true(a.found && !a.result);
	assert_int_equal(a.created_ms, 1700000000123);
	load_well(&f, s->id, &a);
	assert_non_null(a.submission);
	assert_same_submission(a.submission, s);

	assert_true(finish_well(&f, r, 1700000000123 + DAY_MS));
	get_well(&f, s->id, &a);
	assert_non_null(a.result);
	assert_int_equal(a.result->run.exit_code, 3);
	assert_int_equal(a.result->run.out.data.len, 4);
	load_well(&f, s->id, &a);
	assert_null(a.submission);

	f.store->ops->remove(f.store, s->id, on_count, (answer_done(&a), &a));
	wait_well(&f, &a);
	assert_int_equal(a.n, 1);
	f.store->ops->remove(f.store, s->id, on_count, (answer_done(&a), &a));
	wait_well(&f, &a);
	assert_int_equal(a.n, 0);
	get_well(&f, s->id, &a);
	assert_false(a.found);
	result_unref(r);
	submission_unref(s);
	close_fixture(&f);
}

TEST(an_unknown_job_is_unknown_and_an_unfinished_one_is_not_removed)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, 0);

	open_fixture(&f);
	get_well(&f, "j00000000000000000000000000", &a);
	assert_false(a.found);
	load_well(&f, "j00000000000000000000000000", &a);
	assert_null(a.submission);
	create_well(&f, s);
	f.store->ops->remove(f.store, s->id, on_count, (answer_done(&a), &a));
	wait_well(&f, &a);
	assert_int_equal(a.n, 0);
	get_well(&f, s->id, &a);
	assert_true(a.found);
	submission_unref(s);
	close_fixture(&f);
}

TEST(people_can_read_a_row)
{
	struct fixture f = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, 3);
	struct result *r = new_result(s, 4, 'x');
	char *row;

	open_fixture(&f);
	create_well(&f, s);
	row = row_text(&f, "submissions", s->id);
	assert_in_row(row, "\"state\" : \"queued\"");
	assert_in_row(row, "\"language\" : \"python\"");
	assert_in_row(row, "\"files\" : [ \"main.py\" ]");
	assert_in_row(row, "\"createdAt\" : { \"$date\" : \"2023-11-14T22:13:20Z\" }");
	bson_free(row);
	r->message = strdup("bad \xff byte");
	assert_true(finish_well(&f, r, 1700000060000));
	row = row_text(&f, "results", s->id);
	assert_in_row(row, "\"state\" : \"finished\"");
	assert_in_row(row, "\"verdict\" : \"runtime_error\"");
	assert_in_row(row, "\"exitCode\" : 3");
	assert_in_row(row, "\"cpuMs\" : 12.5");
	assert_in_row(row, "\"version\" : \"3.11.2\"");
	assert_in_row(row, "\"message\" : \"bad \xef\xbf\xbd byte\"");
	assert_in_row(row, "\"expiresAt\" : { \"$date\" : \"2023-11-14T22:14:20Z\" }");
	assert_null(strstr(row, "\"submission\""));
	bson_free(row);
	result_unref(r);
	submission_unref(s);
	close_fixture(&f);
}

TEST(the_first_result_stays)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, 0);
	struct result *first = new_result(s, 1, 'a'), *second = new_result(s, 2 << 20, 'b');

	open_fixture(&f);
	create_well(&f, s);
	assert_true(finish_well(&f, first, DAY_MS));
	assert_false(finish_well(&f, second, DAY_MS));
	get_well(&f, s->id, &a);
	assert_int_equal(a.result->run.out.data.len, 1);
	assert_int_equal(count_docs(&f, "chunks"), 0);
	answer_done(&a);
	result_unref(first);
	result_unref(second);
	submission_unref(s);
	close_fixture(&f);
}

/* As when a worker dies between the result and the removal of the submission. */
TEST(a_submission_that_outlived_its_result_is_left_out_and_dropped)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, (size_t)2 << 20);
	struct result *r = new_result(s, 1, 'a');

	open_fixture(&f);
	create_well(&f, s);
	assert_true(finish_well(&f, r, DAY_MS));
	create_well(&f, s);
	assert_int_equal(count_docs(&f, "submissions"), 1);
	get_well(&f, s->id, &a);
	assert_non_null(a.result);
	load_well(&f, s->id, &a);
	assert_null(a.submission);
	f.store->ops->unfinished(f.store, clock_wall_ms(), "", 8, on_unfinished, &a);
	pump_until(&f, &a.told, 2);
	assert_int_equal(a.n, 0);
	assert_int_equal(count_docs(&f, "submissions"), 0);
	assert_int_equal(count_docs(&f, "chunks"), 0);
	result_unref(r);
	submission_unref(s);
	close_fixture(&f);
}

TEST(of_many_results_at_once_one_applies)
{
	struct fixture f = { 0 }, g = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, 0);
	bool applied[40] = { false };
	struct answer a = { 0 };
	int n = 0;

	open_fixture(&f);
	memcpy(g.database, f.database, sizeof(g.database));
	g.base = f.base;
	open_fixture(&g);
	create_well(&f, s);
	for (int i = 0; i < 40; i++) {
		struct result *r = new_result(s, i % 10 == 0 ? 2 << 20 : 1, (char)('0' + i));
		struct store_finish finish = { .result = r,
					       .expires_ms = DAY_MS,
					       .ret_applied = &applied[i] };
		struct store *st = i % 2 ? f.store : g.store;

		st->ops->finish(st, &finish, on_done, &a);
		result_unref(r);
	}
	pump_until(&f, &a.told, 40);
	for (int i = 0; i < 40; i++)
		n += applied[i];
	assert_int_equal(n, 1);
	get_well(&f, s->id, &a);
	for (int i = 0; i < 40; i++)
		assert_true(!applied[i] || a.result->run.out.data.data[0] == (char)('0' + i));
	assert_int_equal(count_docs(&f, "results"), 1);
	answer_done(&a);
	submission_unref(s);
	g.store->ops->close(g.store);
	close_fixture(&f);
}

/* ---- large ones ---- */

TEST(large_inputs_and_outputs_go_through_chunks)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct submission *s = new_submission(NULL, clock_wall_ms(), (size_t)5 << 20);
	struct result *r = new_result(s, (size_t)3 << 20, 'y');
	char *row;

	open_fixture(&f);
	create_well(&f, s);
	assert_int_equal(count_docs(&f, "chunks"), 6);
	load_well(&f, s->id, &a);
	assert_same_submission(a.submission, s);
	row = row_text(&f, "submissions", s->id);
	assert_true(row && strlen(row) < 2000);
	bson_free(row);

	assert_true(finish_well(&f, r, clock_wall_ms() + DAY_MS));
	get_well(&f, s->id, &a);
	assert_int_equal(a.result->run.out.data.len, 3 << 20);
	assert_memory_equal(a.result->run.out.data.data, r->run.out.data.data, 3 << 20);
	f.store->ops->remove(f.store, s->id, on_count, (answer_done(&a), &a));
	wait_well(&f, &a);
	wait_for_no_chunks(&f);
	result_unref(r);
	submission_unref(s);
	close_fixture(&f);
}

TEST(a_finished_job_keeps_no_chunks_of_its_input)
{
	struct fixture f = { 0 };
	struct submission *s = new_submission(NULL, clock_wall_ms(), (size_t)2 << 20);
	struct result *r = new_result(s, 1, 'y');

	open_fixture(&f);
	create_well(&f, s);
	assert_int_equal(count_docs(&f, "chunks"), 3);
	assert_true(finish_well(&f, r, clock_wall_ms() + DAY_MS));
	wait_for_no_chunks(&f);
	result_unref(r);
	submission_unref(s);
	close_fixture(&f);
}

/* ---- what a distributed flow needs ---- */

TEST(a_rejected_job_is_as_if_it_had_never_been)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, (size_t)2 << 20);
	struct result *r = new_result(s, 1, 'y');

	open_fixture(&f);
	create_well(&f, s);
	reject_well(&f, s->id, 5000);
	get_well(&f, s->id, &a);
	assert_false(a.found);
	load_well(&f, s->id, &a);
	assert_null(a.submission);
	f.store->ops->unfinished(f.store, clock_wall_ms(), "", 8, on_unfinished, (answer_done(&a), &a));
	wait_well(&f, &a);
	assert_int_equal(a.n, 0);
	assert_false(finish_well(&f, r, DAY_MS));
	assert_int_equal(sweep_well(&f, 4999, 10), 0);
	assert_int_equal(sweep_well(&f, 5000, 10), 1);
	assert_int_equal(count_docs(&f, "results") + count_docs(&f, "submissions"), 0);
	assert_int_equal(count_docs(&f, "chunks"), 0);
	result_unref(r);
	submission_unref(s);
	close_fixture(&f);
}

TEST(a_rejection_holds_against_a_row_that_comes_later_but_not_against_a_result)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct submission *s = new_submission(NULL, 1700000000000, 0);
	struct submission *big = new_submission(NULL, 1700000000000, (size_t)2 << 20);
	struct submission *finished = new_submission(NULL, 1700000000000, 0);
	struct result *r = new_result(finished, 1, 'y');

	open_fixture(&f);
	reject_well(&f, s->id, DAY_MS);
	create_well(&f, s);
	get_well(&f, s->id, &a);
	assert_false(a.found);
	reject_well(&f, big->id, DAY_MS);
	create_well(&f, big);
	get_well(&f, big->id, &a);
	assert_false(a.found);
	f.store->ops->unfinished(f.store, clock_wall_ms(), "", 8, on_unfinished, (answer_done(&a), &a));
	wait_well(&f, &a);
	assert_int_equal(a.n, 0);
	assert_int_equal(count_docs(&f, "submissions"), 0);
	assert_int_equal(count_docs(&f, "chunks"), 0);

	create_well(&f, finished);
	assert_true(finish_well(&f, r, DAY_MS));
	reject_well(&f, finished->id, DAY_MS);
	get_well(&f, finished->id, &a);
	assert_non_null(a.result);
	answer_done(&a);
	result_unref(r);
	submission_unref(s);
	submission_unref(big);
	submission_unref(finished);
	close_fixture(&f);
}

TEST(unfinished_rows_come_in_pages_ordered_by_id)
{
	static const char *const ids[] = { "a", "b", "c", "d", "e" };
	struct fixture f = { 0 };
	struct answer a = { 0 };

	open_fixture(&f);
	for (int i = 4; i >= 0; i--) {
		struct submission *s = new_submission(ids[i], i == 3 ? 2000 : 1000 + i, 0);

		create_well(&f, s);
		if (i == 1) {
			struct result *r = new_result(s, 1, 'z');

			assert_true(finish_well(&f, r, DAY_MS));
			result_unref(r);
		}
		submission_unref(s);
	}
	f.store->ops->unfinished(f.store, 2000, "", 2, on_unfinished, &a);
	wait_well(&f, &a);
	assert_int_equal(a.n, 2);
	assert_string_equal(a.rows[0].id, "a");
	assert_string_equal(a.rows[1].id, "c");
	assert_int_equal(a.rows[1].created_ms, 1002);
	f.store->ops->unfinished(f.store, 2000, "c", 2, on_unfinished, (answer_done(&a), &a));
	wait_well(&f, &a);
	assert_int_equal(a.n, 1);
	assert_string_equal(a.rows[0].id, "e");
	close_fixture(&f);
}

TEST(a_result_without_a_row_makes_one)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct submission *s = new_submission("42", 1700000000000, 0);
	struct result *r = new_result(s, 7, 'y'), *other = new_result(s, 8, 'n');

	open_fixture(&f);
	assert_true(finish_well(&f, r, DAY_MS));
	assert_false(finish_well(&f, other, DAY_MS));
	get_well(&f, "42", &a);
	assert_int_equal(a.created_ms, 1700000000000);
	assert_int_equal(a.result->run.out.data.len, 7);
	answer_done(&a);
	result_unref(r);
	result_unref(other);
	submission_unref(s);
	close_fixture(&f);
}

TEST(an_id_that_is_used_again_begins_anew)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct submission *old = new_submission("42", 1000, 0), *new = new_submission("42", 2000, 0);
	struct result *first = new_result(old, (size_t)2 << 20, 'a');
	struct result *second = new_result(new, 5, 'b');
	char *row;

	open_fixture(&f);
	create_well(&f, old);
	assert_true(finish_well(&f, first, 5000));
	create_well(&f, new);
	get_well(&f, "42", &a);
	assert_true(a.found && !a.result);
	assert_int_equal(a.created_ms, 2000);
	row = row_text(&f, "submissions", "42");
	assert_in_row(row, "queued");
	bson_free(row);
	assert_int_equal(count_docs(&f, "results"), 0);
	assert_false(finish_well(&f, first, 5000)); /* a late worker of the first job */
	assert_true(finish_well(&f, second, 9000));
	get_well(&f, "42", &a);
	assert_int_equal(a.result->run.out.data.len, 5);
	assert_int_equal(sweep_well(&f, 5000, 10), 0);
	assert_int_equal(count_docs(&f, "chunks"), 0); /* the first one's output */
	answer_done(&a);
	result_unref(first);
	result_unref(second);
	submission_unref(old);
	submission_unref(new);
	close_fixture(&f);
}

/* ---- expiry ---- */

TEST(a_sweep_takes_what_expired_in_steps)
{
	struct fixture f = { 0 };

	open_fixture(&f);
	for (int i = 0; i < 5; i++) {
		struct submission *s = new_submission(NULL, 1000, 0);
		struct result *r = new_result(s, i == 0 ? (size_t)2 << 20 : 1, 'y');

		create_well(&f, s);
		if (i < 4)
			assert_true(finish_well(&f, r, 1000 * (i + 1)));
		result_unref(r);
		submission_unref(s);
	}
	assert_int_equal(sweep_well(&f, 3000, 2), 2);
	assert_int_equal(sweep_well(&f, 3000, 2), 1);
	assert_int_equal(sweep_well(&f, 3000, 2), 0);
	assert_int_equal(count_docs(&f, "results"), 1);
	wait_for_no_chunks(&f);
	close_fixture(&f);
}

static bool has_index(const struct fixture *f, const char *collection, const char *name, bool *ret_ttl)
{
	mongoc_collection_t *c = mongoc_client_get_collection(look, f->database, collection);
	mongoc_cursor_t *cursor = mongoc_collection_find_indexes_with_opts(c, NULL);
	const bson_t *doc;
	bool found = false;

	while (mongoc_cursor_next(cursor, &doc)) {
		bson_iter_t it;

		if (!bson_iter_init_find(&it, doc, "name") || strcmp(bson_iter_utf8(&it, NULL), name) != 0)
			continue;
		found = true;
		*ret_ttl = bson_has_field(doc, "expireAfterSeconds");
	}
	mongoc_cursor_destroy(cursor);
	mongoc_collection_destroy(c);
	return found;
}

TEST(each_query_has_its_index)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	bool ttl, chunks_ttl;

	open_fixture(&f);
	get_well(&f, "x", &a);
	assert_true(has_index(&f, "submissions", "jobId", &ttl));
	assert_true(has_index(&f, "submissions", "unfinished", &ttl));
	assert_true(has_index(&f, "results", "jobId", &ttl));
	assert_true(has_index(&f, "results", "expiry", &ttl));
	assert_true(has_index(&f, "chunks", "expiry", &chunks_ttl));
	assert_int_equal(ttl, chunks_ttl);
	print_message("the server %s a time to live\n", ttl ? "accepts" : "does not know");
	close_fixture(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_job_goes_from_create_to_its_result_and_away),
		T(an_unknown_job_is_unknown_and_an_unfinished_one_is_not_removed),
		T(people_can_read_a_row),
		T(the_first_result_stays),
		T(a_submission_that_outlived_its_result_is_left_out_and_dropped),
		T(of_many_results_at_once_one_applies),
		T(large_inputs_and_outputs_go_through_chunks),
		T(a_finished_job_keeps_no_chunks_of_its_input),
		T(a_rejected_job_is_as_if_it_had_never_been),
		T(a_rejection_holds_against_a_row_that_comes_later_but_not_against_a_result),
		T(unfinished_rows_come_in_pages_ordered_by_id),
		T(a_result_without_a_row_makes_one),
		T(an_id_that_is_used_again_begins_anew),
		T(a_sweep_takes_what_expired_in_steps),
		T(each_query_has_its_index),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
