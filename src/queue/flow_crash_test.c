/* SPDX-License-Identifier: MIT */
/* SIGKILL at any write or sync of the database, and what is there afterwards. */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "db/fault_vfs.h"
#include "queue/flow_testing.h"

#define JOBS_MAX 20000
#define ROUNDS	 40

/* What the world was told, by all children together. */
static struct known {
	char id[JOB_ID_SIZE];
	bool accepted;
	char result[160]; /* its message, which no two results share; "" while none was seen */
} known[JOBS_MAX];
static int n_known;

static struct known *known_job(const char *id)
{
	for (int i = n_known - 1; i >= 0; i--)
		if (strcmp(known[i].id, id) == 0)
			return &known[i];
	assert_true(n_known < JOBS_MAX);
	snprintf(known[n_known].id, JOB_ID_SIZE, "%.27s", id);
	return &known[n_known++];
}

/* ---- the child ---- */

static int out;
static struct bench *bench;

static void say(char what, const char *id, const char *text)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "%c %s %s\n", what, id, text);

	if (write(out, line, (size_t)len) != len)
		_exit(3);
}

static void child_submit(void);

static void child_submitted(const struct err *e, void *arg)
{
	struct submission *s = arg;

	if (!e)
		say('A', s->id, "-");
	submission_unref(s);
	child_submit();
}

static void child_submit(void)
{
	struct submission *s = new_submission(NULL);
	struct err e;

	if (flow_submit(bench->flow, s, child_submitted, s, &e) < 0)
		_exit(4);
}

static void child_taken(struct lease *l, void *arg);

static void child_removed(enum flow_removal what, const struct err *e, void *arg)
{
	(void)what;
	(void)e;
	(void)arg;
}

static void child_taken(struct lease *l, void *arg)
{
	struct result *r;
	char token[64];

	flow_take(bench->flow, child_taken, arg);
	if (random() % 8 == 0) {
		flow_give_back(l, random() % 2, "given back");
		return;
	}
	if (random() % 16 == 0)
		flow_remove(bench->flow, l->submission->id, child_removed, NULL);
	snprintf(token, sizeof(token), "%d-%ld", getpid(), random());
	r = result_without_run(l->submission->id, "python", l->submission->created_ms, clock_wall_ms(),
			       l->attempt, VERDICT_RUNTIME_ERROR, token);
	flow_finish(l, r);
	result_unref(r);
}

static void child_observe(struct result *r, void *arg)
{
	(void)arg;
	say('R', r->id, r->message);
}

static void child_main(struct bench *b, int fd, unsigned seed)
{
	struct err e = { 0 };

	out = fd;
	bench = b;
	srandom(seed);
	/* Also inside the opening, now and then. */
	atomic_store(&fault_kill_in, random() % (random() % 4 == 0 ? 20 : 600));
	b->base = event_base_new();
	b->flow = flow_open_sqlite(b->base, &b->options, &e);
	if (!b->flow) {
		fprintf(stderr, "%s\n", e.msg);
		_exit(5);
	}
	flow_observe(b->flow, child_observe, NULL);
	for (int i = 0; i < 8; i++)
		child_submit();
	for (int i = 0; i < 4; i++)
		flow_take(b->flow, child_taken, NULL);
	event_base_dispatch(b->base);
	_exit(6);
}

/* ---- the parent ---- */

static void learn(const char *line)
{
	char id[JOB_ID_SIZE], text[160], what;
	struct known *k;

	/* The last line may be cut. */
	if (sscanf(line, "%c %27s %159[^\n]", &what, id, text) != 3 || !id_is_valid(id) ||
	    !strchr(line, '\n'))
		return;
	k = known_job(id);
	if (what == 'A') {
		k->accepted = true;
		return;
	}
	if (k->result[0])
		assert_string_equal(k->result, text);
	snprintf(k->result, sizeof(k->result), "%s", text);
}

static void run_child(struct bench *b, unsigned seed)
{
	char line[256];
	int pipes[2], status;
	FILE *in;
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child_main(b, pipes[1], seed);
	close(pipes[1]);
	in = fdopen(pipes[0], "r");
	while (fgets(line, sizeof(line), in))
		learn(line);
	fclose(in);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void on_known(const struct job_view *v, const struct err *e, void *arg)
{
	struct known *k = arg;

	assert_null(e);
	assert_non_null(v);
	assert_int_equal(v->state, JOB_FINISHED);
	assert_true(v->result->attempts <= 3);
	if (k->result[0])
		assert_string_equal(k->result, v->result->message);
	k->accepted = false;
}

static void finish_all(struct bench *b)
{
	struct flow_counts counts;

	for (;;) {
		flow_counts(b->flow, &counts);
		if (counts.queued == 0)
			break;
		finish(take(b), VERDICT_OK);
	}
	drain(b);
	WAIT_FOR(b, (flow_counts(b->flow, &counts), counts.running == 0));
}

TEST(what_was_accepted_ends_once_whenever_the_process_is_killed)
{
	unsigned seed = (unsigned)clock_mono_ns();
	int accepted = 0, seen = 0;
	struct bench b;

	print_message("seed %u\n", seed);
	fault_vfs_install();
	bench_prepare(&b);
	event_base_free(b.base);
	b.options.data_dir = b.dir;
	for (unsigned i = 0; i < ROUNDS; i++)
		run_child(&b, seed + i);
	b.base = event_base_new();
	bench_open(&b);
	finish_all(&b);
	for (int i = 0; i < n_known; i++) {
		accepted += known[i].accepted;
		seen += known[i].result[0] != '\0';
		if (known[i].accepted)
			flow_get(b.flow, known[i].id, on_known, &known[i]);
	}
	drain(&b);
	for (int i = 0; i < n_known; i++)
		WAIT_FOR(&b, !known[i].accepted);
	print_message("%d jobs accepted, %d results seen before the last kill\n", accepted, seen);
	assert_true(accepted > 100 && seen > 100);
	bench_done(&b);
}

/* A process that takes the one job there is, runs `then` and dies. */
static void die_holding(struct bench *b, int attempt, void (*then)(struct bench *b, struct lease *l))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct lease *l;

		b->base = event_base_new();
		bench_open(b);
		l = take(b);
		assert_int_equal(l->attempt, attempt);
		if (then)
			then(b, l);
		drain(b);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void prepare_one(struct bench *b, char id[JOB_ID_SIZE])
{
	bench_init(b);
	submit(b, id);
	bench_close(b);
	event_base_free(b->base);
}

TEST(the_third_lost_worker_ends_the_job_with_a_sentence)
{
	char id[JOB_ID_SIZE];
	struct bench b;
	struct view v;

	prepare_one(&b, id);
	for (int attempt = 1; attempt <= 3; attempt++)
		die_holding(&b, attempt, NULL);
	b.base = event_base_new();
	bench_open(&b);
	WAIT_FOR(&b, (v = get(&b, id)).state == JOB_FINISHED);
	assert_int_equal(v.verdict, VERDICT_INTERNAL_ERROR);
	assert_int_equal(v.attempts, 3);
	assert_string_equal(v.message, "The job was started 3 times and its worker died each time.");
	bench_done(&b);
}

static void cancel_it(struct bench *b, struct lease *l)
{
	assert_int_equal(remove_job(b, l->submission->id), FLOW_CANCELLED);
}

TEST(a_cancelled_job_does_not_run_again_after_a_crash)
{
	char id[JOB_ID_SIZE];
	struct bench b;
	struct view v;

	prepare_one(&b, id);
	die_holding(&b, 1, cancel_it);
	b.base = event_base_new();
	bench_open(&b);
	WAIT_FOR(&b, (v = get(&b, id)).state == JOB_FINISHED);
	assert_int_equal(v.verdict, VERDICT_CANCELLED);
	bench_done(&b);
}

static void give_it_back(struct bench *b, struct lease *l)
{
	(void)b;
	flow_give_back(l, true, "shutting down");
}

TEST(a_blameless_give_back_is_remembered)
{
	char id[JOB_ID_SIZE];
	struct bench b;
	struct lease *l;

	prepare_one(&b, id);
	for (int i = 0; i < 4; i++)
		die_holding(&b, 1, give_it_back);
	b.base = event_base_new();
	bench_open(&b);
	l = take(&b);
	assert_int_equal(l->attempt, 1);
	finish(l, VERDICT_OK);
	bench_done(&b);
}

UNIT_MAIN(T(what_was_accepted_ends_once_whenever_the_process_is_killed),
	  T(the_third_lost_worker_ends_the_job_with_a_sentence),
	  T(a_cancelled_job_does_not_run_again_after_a_crash), T(a_blameless_give_back_is_remembered))
