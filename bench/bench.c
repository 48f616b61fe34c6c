/* SPDX-License-Identifier: MIT */
/*
 * Measures a running server against bare starts of the same programs, in one run:
 *
 *   bench PORT [ROUNDS [PEER_PORT]]
 *
 * Bare starts and submits alternate in blocks, so that a noisy moment hits both. "openN" arrives N times a
 * second with idle gaps between (quiet machines show stalls that tight loops hide), "closed" sends the next
 * as soon as the last is answered. At PEER_PORT there may be another server that takes submits, for
 * comparison. Prints tables, and one JSON object per row to the file named by BENCH_JSON. BENCH_ONLY=c++
 * measures no programs but those whose names begin so.
 */
#include <err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare.h"
#include "base/clock.h"
#include "busy.h"
#include "client.h"
#include "clock.h"
#include "stats.h"

#define BLOCK	  20
#define WAIT_PATH "/api/v1/submit?wait=60"

struct program {
	const char *name;
	const char *body;	     /* of the submit */
	const char *file, *text;     /* the same program for the baseline */
	const char *const *steps[2]; /* its commands; the last prints "1\n" */
	double target;		     /* engine / bare at most; 0: none stated */
	double target_ms;	     /* and so much more than that */
	/* A source that nobody has sent before each time: the one %ld in the body is a number of its own. */
	bool fresh;
	bool compiled; /* the baseline is the last step alone */
	bool slow;     /* seconds in the baseline: fewer of them, further apart */
};

#define CPP_SOURCE(comment, newline)                                                             \
	"#include <bits/stdc++.h>" newline "int main() {" newline                                \
	"  std::vector<int> v = { 3, 1, 2 };" newline "  std::sort(v.begin(), v.end());" newline \
	"  std::cout << v[0] << std::endl;" newline "}" newline comment
#define CPP_BODY(comment) "{\"language\":\"cpp\",\"code\":\"" CPP_SOURCE(comment, "\\n") "\"}"

#define STEPS(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}
#define COMPILE(...) STEPS(__VA_ARGS__), STEPS("./main")

static const struct program programs[] = {
	{ .name = "python",
	  .body = "{\"language\":\"python\",\"code\":\"print(1)\\n\"}",
	  .file = "main.py",
	  .text = "print(1)\n",
	  .steps = { STEPS("python3", "main.py") },
	  .target = 0.5 },
	{ .name = "javascript",
	  .body = "{\"language\":\"javascript\",\"code\":\"console.log(1)\\n\"}",
	  .file = "main.js",
	  .text = "console.log(1)\n",
	  .steps = { STEPS("node", "main.js") },
	  .target = 0.42 },
	{ .name = "c",
	  .body = "{\"language\":\"c\",\"code\":\"#include <stdio.h>\\nint main(void) { puts(\\\"1\\\"); "
		  "}\\n// %ld\"}",
	  .fresh = true,
	  .file = "main.c",
	  .text = "#include <stdio.h>\nint main(void) { puts(\"1\"); }\n",
	  .steps = { COMPILE("gcc", "-O2", "-std=gnu17", "-o", "main", "main.c", "-lm") } },
	{ .name = "bash",
	  .body = "{\"language\":\"bash\",\"code\":\"echo 1\\n\"}",
	  .file = "main.sh",
	  .text = "echo 1\n",
	  .steps = { STEPS("bash", "main.sh") } },
	{ .name = "c++ new",
	  .body = CPP_BODY("// %ld"),
	  .fresh = true,
	  .slow = true,
	  .file = "main.cpp",
	  .text = CPP_SOURCE("", "\n"),
	  .steps = { COMPILE("g++", "-O2", "-std=gnu++17", "-o", "main", "main.cpp") },
	  .target = 0.4 },
	{ .name = "c++ again",
	  .body = CPP_BODY("// again"),
	  .compiled = true,
	  .file = "main.cpp",
	  .text = CPP_SOURCE("", "\n"),
	  .steps = { COMPILE("g++", "-O2", "-std=gnu++17", "-o", "main", "main.cpp") },
	  .target = 1.5,
	  .target_ms = 3 },
};
#define BASH	   3 /* its place in the table */
#define N_PROGRAMS (sizeof(programs) / sizeof(programs[0]))

static const struct mode {
	const char *name;
	int64_t gap_ns;
} modes[] = { { "closed", 0 }, { "open5", 200000000 }, { "open10", 100000000 }, { "open20", 50000000 } };
#define N_MODES (sizeof(modes) / sizeof(modes[0]))

static const struct mode slow_modes[] = { { "closed", 0 }, { "open0.5", 2000000000 } };
#define N_SLOW_MODES (sizeof(slow_modes) / sizeof(slow_modes[0]))
#define SLOW_BLOCK   5

static int port;
static FILE *json;

static void run_bare(const struct program *p)
{
	if (!p->steps[1]) {
		bare_run(p->steps[0], "1\n");
		return;
	}
	if (!p->compiled)
		bare_run(p->steps[0], "");
	bare_run(p->steps[1], "1\n");
}

/* The place of the number is the only '%' of a body. */
static void write_body(const struct program *p, char *out, size_t size)
{
	static atomic_long number;
	const char *place = p->fresh ? strstr(p->body, "%ld") : NULL;

	if (place)
		snprintf(out, size, "%.*s%d-%ld%s", (int)(place - p->body), p->body, (int)getpid(),
			 atomic_fetch_add(&number, 1), place + strlen("%ld"));
	else
		snprintf(out, size, "%s", p->body);
}

static void run_submit(int sock, const struct program *p)
{
	char answer[8192], body[2048];
	int status;

	write_body(p, body, sizeof(body));
	status = client_post(sock, WAIT_PATH, body, answer, sizeof(answer));

	if (status != 200 || !strstr(answer, "\"response\":\"1\\n\""))
		errx(1, "%s: status %d, answer %s", p->name, status, answer);
}

/* One block of starts, `gap_ns` apart (0: back to back). `sock` < 0 measures the baseline. */
static void measure_block(struct samples *s, const struct program *p, int sock, int64_t gap_ns)
{
	double busy = busy_ms();
	int64_t next = clock_mono_ns() + gap_ns;

	for (int i = 0; i < (p->slow ? SLOW_BLOCK : BLOCK); i++) {
		int64_t begin;

		if (gap_ns > 0)
			bench_sleep_until(next);
		next += gap_ns;
		begin = clock_mono_ns();
		if (sock < 0)
			run_bare(p);
		else
			run_submit(sock, p);
		samples_add(s, clock_mono_ns() - begin);
	}
	s->cpu_ms += busy_ms() - busy;
}

/* Runs so far that no interpreter was waiting for. */
static long warm_misses(int sock, const char *language)
{
	static char metrics[1 << 18];
	char wanted[96];
	const char *at;

	if (client_get(sock, "/metrics", metrics, sizeof(metrics)) != 200)
		errx(1, "the server gives no metrics");
	snprintf(wanted, sizeof(wanted), "codecrusher_warm_misses_total{language=\"%s\"} ", language);
	at = strstr(metrics, wanted);
	return at ? strtol(at + strlen(wanted), NULL, 10) : 0;
}

static void print_row(const struct program *program, const char *mode, struct samples *bare,
		      struct samples *engine, long misses)
{
	const char *name = program->name;
	double b = samples_percentile_ms(bare, 50), e = samples_percentile_ms(engine, 50);
	double p95 = samples_percentile_ms(engine, 95), p99 = samples_percentile_ms(engine, 99);
	double max = samples_percentile_ms(engine, 100);
	double target = program->target + program->target_ms / b;

	printf("%-11s %-8s %8.2f %8.2f %7.2f ", name, mode, b, e, e / b);
	if (target > 0)
		printf("%7.2f ", target);
	else
		printf("%7s ", "-");
	printf("%8.2f %8.2f %8.2f %9.2f %9.2f %6ld\n", p95, p99, max, bare->cpu_ms / (double)bare->n,
	       engine->cpu_ms / (double)engine->n, misses);
	if (json)
		fprintf(json,
			"{\"row\":\"%s\",\"mode\":\"%s\",\"bareP50Ms\":%.3f,\"p50Ms\":%.3f,\"ratio\":%.3f,"
			"\"p95Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f,\"bareCpuMs\":%.3f,\"cpuMs\":%.3f,"
			"\"misses\":%ld,\"samples\":%zu}\n",
			name, mode, b, e, e / b, p95, p99, max, bare->cpu_ms / (double)bare->n,
			engine->cpu_ms / (double)engine->n, misses, engine->n);
	fflush(stdout);
}

static void latency(const struct program *p, const struct mode *mode, int rounds)
{
	static struct samples bare, engine;
	int sock = client_connect(port);
	long misses;

	bare.n = engine.n = 0;
	bare.cpu_ms = engine.cpu_ms = 0;
	if (p->compiled)
		bare_run(p->steps[0], "");
	run_bare(p);
	run_submit(sock, p);
	misses = warm_misses(sock, p->name);
	for (int i = 0; i < rounds; i++) {
		measure_block(&bare, p, -1, mode->gap_ns);
		measure_block(&engine, p, sock, mode->gap_ns);
	}
	misses = warm_misses(sock, p->name) - misses;
	close(sock);
	print_row(p, mode->name, &bare, &engine, misses);
}

struct load {
	const struct program *program; /* NULL: submits that nobody waits for */
	bool bare;
	int port;
	int64_t until_ns;
	atomic_long done;
};

static void *load_thread(void *arg)
{
	struct load *l = arg;
	int sock = l->bare ? -1 : client_connect(l->port);
	char answer[8192];

	while (clock_mono_ns() < l->until_ns) {
		if (!l->program) {
			int status = client_post(sock, "/api/v1/submit", programs[BASH].body, answer,
						 sizeof(answer));

			if (status != 200 && status != 503)
				errx(1, "submit: status %d, answer %s", status, answer);
			if (status != 200)
				continue;
		} else if (l->bare) {
			run_bare(l->program);
		} else {
			run_submit(sock, l->program);
		}
		atomic_fetch_add(&l->done, 1);
	}
	if (sock >= 0)
		close(sock);
	return NULL;
}

/* Operations per second of `threads` clients at the server of `at` during `seconds`; 0: bare starts. */
static double throughput(const struct program *p, int at, int threads, int seconds)
{
	pthread_t ids[64];
	int64_t begin = clock_mono_ns();
	struct load l = {
		.program = p, .bare = at == 0, .port = at, .until_ns = begin + (int64_t)seconds * 1000000000
	};

	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, load_thread, &l) != 0)
			errx(1, "cannot start a thread");
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	return (double)l.done * 1e9 / (double)(clock_mono_ns() - begin);
}

static void throughput_row(const struct program *p, int seconds)
{
	int cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
	double bare = throughput(p, 0, cores, seconds);
	double engine = throughput(p, port, cores * 2, seconds);

	printf("%-11s %-8s %8.1f %8.1f %7.2f %7.2f   jobs per second, all cores (ratio: at least)\n", p->name,
	       "load", bare, engine, engine / bare, 0.8);
	if (json)
		fprintf(json,
			"{\"row\":\"%s\",\"mode\":\"load\",\"barePerS\":%.1f,\"perS\":%.1f,\"ratio\":%.3f}\n",
			p->name, bare, engine, engine / bare);
}

/* Durable submits that nobody waits for. The servers take turns, so that what one leaves to do is not the
 * other's burden alone. */
static void submit_row(int peer, int seconds)
{
	double ours = throughput(NULL, port, 64, seconds),
	       other = peer ? throughput(NULL, peer, 64, seconds) : 0;

	ours = (ours + throughput(NULL, port, 64, seconds)) / 2;
	if (!peer) {
		printf("%-11s %-8s %8s %8.1f                 durable submits per second, 64 clients\n",
		       "submit", "load", "-", ours);
		return;
	}
	other = (other + throughput(NULL, peer, 64, seconds)) / 2;
	printf("%-11s %-8s %8.1f %8.1f %7.2f %7.2f   durable submits per second, 64 clients, against Express "
	       "and "
	       "BullMQ (ratio: at least)\n",
	       "submit", "load", other, ours, ours / other, 5.0);
	if (json)
		fprintf(json,
			"{\"row\":\"submit\",\"mode\":\"load\",\"peerPerS\":%.1f,\"perS\":%.1f,\"ratio\":%."
			"3f}\n",
			other, ours, ours / other);
}

static int number(int argc, char *argv[], int at, int otherwise)
{
	return argc > at ? (int)strtol(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char *argv[])
{
	int rounds = number(argc, argv, 2, 5);
	const char *only = getenv("BENCH_ONLY");

	if (argc < 2)
		errx(2, "usage: bench PORT [ROUNDS [PEER_PORT]]");
	port = number(argc, argv, 1, 0);
	if (getenv("BENCH_JSON"))
		json = fopen(getenv("BENCH_JSON"), "a");
	bare_enter_directory();
	atexit(bare_cleanup);
	printf("submit -> result, one client, milliseconds; %d samples a row\n", rounds * BLOCK);
	printf("%-11s %-8s %8s %8s %7s %7s %8s %8s %8s %9s %9s %6s\n", "program", "mode", "bare p50", "p50",
	       "ratio", "target", "p95", "p99", "max", "bare CPU", "CPU/job", "misses");
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		if (only && strncmp(programs[i].name, only, strlen(only)) != 0)
			continue;
		bare_write_file(programs[i].file, programs[i].text);
		for (size_t m = 0; m < (programs[i].slow ? N_SLOW_MODES : N_MODES); m++)
			latency(&programs[i], programs[i].slow ? &slow_modes[m] : &modes[m], rounds);
	}
	if (!only) {
		throughput_row(&programs[0], 4);
		throughput_row(&programs[1], 4);
		submit_row(number(argc, argv, 3, 0), 3);
	}
	if (json)
		fclose(json);
	return 0;
}
