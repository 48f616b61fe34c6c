/* SPDX-License-Identifier: MIT */
/* A disk that is really full: a small tmpfs, which only root can mount. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "queue/flow_testing.h"

#define DISK_SIZE "12m" /* the log alone takes 4.5 of it */

/* Opens a flow on a small disk of its own. */
static void small_disk(struct bench *b)
{
	bench_prepare(b);
	if (mount("none", b->dir, "tmpfs", MS_NOSUID | MS_NODEV, "size=" DISK_SIZE ",mode=0700") < 0)
		fail_msg("a small tmpfs, which root can mount: %s", strerror(errno));
	bench_open(b);
}

static void small_disk_done(struct bench *b)
{
	flow_close(b->flow);
	event_base_free(b->base);
	assert_int_equal(umount(b->dir), 0);
	assert_int_equal(rmdir(b->dir), 0);
}

/* Leaves `spare` bytes free. */
static void fill_disk(struct bench *b, size_t spare)
{
	char path[128];
	struct statvfs st;
	int fd;

	snprintf(path, sizeof(path), "%s/filler", b->dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fstatvfs(fd, &st), 0);
	assert_int_equal(posix_fallocate(fd, 0, (off_t)(st.f_bavail * st.f_frsize - spare)), 0);
	close(fd);
}

static void free_disk(struct bench *b)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/filler", b->dir);
	assert_int_equal(unlink(path), 0);
}

static struct result *big_result(struct lease *l)
{
	struct result *r = new_result(l, VERDICT_OK);
	char *text = malloc(400000);

	assert_non_null(text);
	memset(text, 'y', 400000);
	r->ran = true;
	assert_true(bytes_set(&r->run.out.data, text, 400000));
	free(text);
	return r;
}

static void on_told(struct result *r, void *arg)
{
	(void)r;
	++*(int *)arg;
}

TEST(a_full_disk_holds_results_and_refuses_submits_until_there_is_room)
{
	enum { N = 6 };
	char ids[N][JOB_ID_SIZE], later[JOB_ID_SIZE];
	struct lease *leases[N], *none = NULL;
	struct submission *s = new_submission(NULL);
	struct answer a = { 0 };
	struct flow_take *t;
	struct err e = { 0 };
	struct bench b;
	int told = 0;

	small_disk(&b);
	for (int i = 0; i < N; i++) {
		submit(&b, ids[i]);
		leases[i] = take(&b);
		flow_watch(b.flow, ids[i], on_told, &told);
	}
	submit(&b, later);
	fill_disk(&b, 100000);
	for (int i = 0; i < N; i++) {
		struct result *r = big_result(leases[i]);

		flow_finish(leases[i], r);
		result_unref(r);
	}
	WAIT_FOR(&b, flow_ready(b.flow, &e) < 0);
	assert_int_equal(e.kind, ERR_DISK_FULL);
	assert_int_equal(told, 0);
	assert_int_equal(flow_submit(b.flow, s, on_answer, &a, &e), -1);
	assert_int_equal(e.kind, ERR_DISK_FULL);
	assert_int_equal(get(&b, ids[0]).state, JOB_RUNNING);
	/* Nothing new is started meanwhile. */
	t = flow_take(b.flow, on_take, &none);
	for (int i = 0; i < 20; i++)
		bench_tick(&b);
	assert_null(none);
	flow_take_cancel(&t);

	free_disk(&b);
	WAIT_FOR(&b, told == N);
	WAIT_FOR(&b, flow_ready(b.flow, &e) == 0);
	for (int i = 0; i < N; i++)
		assert_int_equal(get(&b, ids[i]).verdict, VERDICT_OK);
	assert_int_equal(flow_submit(b.flow, s, on_answer, &a, &e), 0);
	WAIT_FOR(&b, a.n);
	assert_int_equal(a.err.kind, ERR_NONE);
	submission_unref(s);
	finish(take(&b), VERDICT_OK);
	finish(take(&b), VERDICT_OK);
	drain(&b);
	assert_int_equal(get(&b, later).verdict, VERDICT_OK);
	small_disk_done(&b);
}

TEST(a_submit_that_does_not_fit_is_told_and_its_run_is_stopped)
{
	char *input = malloc(3 << 20);
	struct submission *s;
	struct answer a = { 0 };
	struct lease *l = NULL;
	char id[JOB_ID_SIZE];
	struct err e;
	struct bench b;
	int cancels = 0;

	assert_non_null(input);
	memset(input, 'x', (3 << 20) - 1);
	input[(3 << 20) - 1] = '\0';
	small_disk(&b);
	fill_disk(&b, 1 << 20);
	s = new_submission(input);
	memcpy(id, s->id, JOB_ID_SIZE);
	flow_take(b.flow, on_take, &l);
	assert_int_equal(flow_submit(b.flow, s, on_answer, &a, &e), 0);
	submission_unref(s);
	event_base_loop(b.base, EVLOOP_NONBLOCK);
	assert_non_null(l);
	flow_on_cancel(l, on_cancel, &cancels);
	WAIT_FOR(&b, a.n && cancels);
	assert_int_equal(a.err.kind, ERR_DISK_FULL);
	assert_int_equal(cancels, 1);
	finish(l, VERDICT_OK);
	/* Smaller ones fit, soon. */
	WAIT_FOR(&b, flow_ready(b.flow, &e) == 0);
	assert_false(get(&b, id).known);
	submit(&b, id);
	assert_int_equal(get(&b, id).position, 0);
	free_disk(&b);
	free(input);
	small_disk_done(&b);
}

TEST(a_disk_filled_by_results_recovers_when_they_expire)
{
	struct err e;
	struct bench b;
	int refused = 0;

	small_disk(&b);
	bench_close(&b);
	b.options.result_ttl_ms = 1500;
	bench_open(&b);
	for (int i = 0; i < 40 && !refused; i++) {
		struct submission *s = new_submission(NULL);
		struct answer a = { 0 };
		struct lease *l;
		struct result *r;

		if (flow_submit(b.flow, s, on_answer, &a, &e) < 0) {
			refused++;
		} else {
			WAIT_FOR(&b, a.n);
			refused += a.err.kind == ERR_DISK_FULL;
		}
		submission_unref(s);
		if (refused)
			break;
		l = take(&b);
		r = big_result(l);
		flow_finish(l, r);
		result_unref(r);
	}
	assert_int_equal(refused, 1);
	WAIT_FOR(&b, flow_ready(b.flow, &e) == 0);
	drain(&b);
	small_disk_done(&b);
}

UNIT_MAIN(T(a_full_disk_holds_results_and_refuses_submits_until_there_is_room),
	  T(a_submit_that_does_not_fit_is_told_and_its_run_is_stopped),
	  T(a_disk_filled_by_results_recovers_when_they_expire))
