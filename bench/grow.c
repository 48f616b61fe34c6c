/* SPDX-License-Identifier: MIT */
/*
 * What becomes of time, CPU and memory when there is more of something: each row is a small case and a large
 * one, measured in turns on running servers.
 *
 *   grow PORT PID PORT64 PID64 [ROUNDS]
 *
 * The second server is as the first but for CONCURRENCY=64. PID is the server's monitor. Prints a table, and
 * JSON lines to the file named by BENCH_JSON.
 */
#include <err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "busy.h"
#include "client.h"
#include "stats.h"

#define BLOCK	  10
#define WAITERS	  2000
#define FILES	  1000
#define WAIT_PATH "/api/v1/submit?wait=60"
#define ECHO_BODY "{\"language\":\"bash\",\"code\":\"echo 1\"}"

struct side {
	int port;
	pid_t monitor;
	const char *body;
	struct samples samples;
	double cpu_ms;
	long pss_kib;
};

static FILE *json;
static int rounds;

static void run(int sock, const char *body)
{
	static _Thread_local char answer[1 << 16];
	int status = client_post(sock, WAIT_PATH, body, answer, sizeof(answer));

	if (status != 200 || !strstr(answer, "\"status\":\"completed\""))
		errx(1, "status %d, answer %.500s", status, answer);
}

static void measure_block(struct side *s)
{
	int sock = client_connect(s->port);
	double busy = busy_ms();

	for (int i = 0; i < BLOCK; i++) {
		int64_t begin = clock_mono_ns();

		run(sock, s->body);
		samples_add(&s->samples, clock_mono_ns() - begin);
	}
	s->cpu_ms += busy_ms() - busy;
	close(sock);
}

static void print_row(const char *name, struct side *small, struct side *large)
{
	double a = samples_percentile_ms(&small->samples, 50), b = samples_percentile_ms(&large->samples, 50);
	double small_cpu = small->cpu_ms / (double)small->samples.n;
	double large_cpu = large->cpu_ms / (double)large->samples.n;

	printf("%-28s %8.2f %8.2f %7.2f %8.2f %8.2f %8.1f %8.1f\n", name, a, b, b / a, small_cpu, large_cpu,
	       (double)small->pss_kib / 1024, (double)large->pss_kib / 1024);
	if (json)
		fprintf(json,
			"{\"row\":\"%s\",\"mode\":\"grow\",\"smallP50Ms\":%.3f,\"p50Ms\":%.3f,\"ratio\":%.3f,"
			"\"smallCpuMs\":%.3f,\"cpuMs\":%.3f,\"smallPssKiB\":%ld,\"pssKiB\":%ld}\n",
			name, a, b, b / a, small_cpu, large_cpu, small->pss_kib, large->pss_kib);
	fflush(stdout);
}

static struct side side(int port, pid_t monitor, const char *body)
{
	return (struct side){ .port = port, .monitor = monitor, .body = body };
}

/* Both in turns, so that a noisy moment hits both. */
static void compare(const char *name, struct side *small, struct side *large)
{
	for (int i = 0; i < rounds; i++) {
		measure_block(small);
		small->pss_kib = tree_pss_kib(small->monitor);
		measure_block(large);
		large->pss_kib = tree_pss_kib(large->monitor);
	}
	print_row(name, small, large);
}

/* The job's id, from the answer to a submit. */
static void submit(int sock, const char *body, char *ret_id, size_t size)
{
	char answer[4096], *id;

	if (client_post(sock, "/api/v1/submit", body, answer, sizeof(answer)) != 200 ||
	    !(id = strstr(answer, "\"jobId\":\"")))
		errx(1, "submit: %.500s", answer);
	id += strlen("\"jobId\":\"");
	snprintf(ret_id, size, "%.*s", (int)strcspn(id, "\""), id);
}

static void cancel(int sock, const char *id)
{
	char request[256], answer[4096];
	int len = snprintf(request, sizeof(request),
			   "DELETE /api/v1/jobs/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", id);

	if (write(sock, request, (size_t)len) != len || client_receive(sock, answer, sizeof(answer)) != 200)
		errx(1, "cancel: %.500s", answer);
}

/* Everyone waits for one job that sleeps; then it is cancelled, and all of them have to be told. */
static void waiting_clients(int port, pid_t monitor)
{
	static struct side without, with;
	static int waiters[WAITERS];
	char id[128], path[256], answer[4096];
	int sock = client_connect(port);
	double cpu;
	int64_t begin;

	submit(sock, "{\"language\":\"bash\",\"code\":\"sleep 100\",\"limits\":{\"wallMs\":110000}}", id,
	       sizeof(id));
	snprintf(path, sizeof(path), "/api/v1/result?jobId=%s&wait=60", id);
	without = side(port, monitor, ECHO_BODY);
	with = side(port, monitor, ECHO_BODY);
	for (int i = 0; i < rounds; i++)
		measure_block(&without);
	without.pss_kib = tree_pss_kib(monitor);
	for (int i = 0; i < WAITERS; i++) {
		waiters[i] = client_connect(port);
		client_send_get(waiters[i], path);
	}
	for (int i = 0; i < rounds; i++)
		measure_block(&with);
	with.pss_kib = tree_pss_kib(monitor);
	print_row("2,000 clients wait", &without, &with);

	cpu = busy_ms();
	sleep(1);
	cpu = busy_ms() - cpu;
	begin = clock_mono_ns();
	cancel(sock, id);
	for (int i = 0; i < WAITERS; i++) {
		if (client_receive(waiters[i], answer, sizeof(answer)) != 200)
			errx(1, "a waiter got %.500s", answer);
		close(waiters[i]);
	}
	printf("  while nothing happens the machine is busy for %.0f ms of a second; at the end all are told "
	       "in "
	       "%.0f ms\n",
	       cpu, (double)(clock_mono_ns() - begin) / 1e6);
	close(sock);
}

static void outputs(int port, pid_t monitor)
{
	static struct side small, large;

	small = side(port, monitor,
		     "{\"language\":\"bash\",\"code\":\"head -c 1000 /dev/zero | tr '\\\\0' x\"}");
	large = side(port, monitor,
		     "{\"language\":\"bash\",\"code\":\"head -c 10000000 /dev/zero | tr '\\\\0' x\","
		     "\"limits\":{\"outputBytes\":16000000}}");
	compare("1 KB to 10 MB of output", &small, &large);
}

static char *body_with_files(int n)
{
	char *body;
	size_t len;
	FILE *f = open_memstream(&body, &len);

	if (!f)
		err(1, "a body with %d files", n);
	fprintf(f, "{\"language\":\"bash\",\"code\":\"echo 1\",\"files\":[");
	for (int i = 0; i < n; i++)
		fprintf(f, "%s{\"name\":\"d%d/f%d\",\"content\":\"%0900d\"}", i ? "," : "", i % 10, i, i);
	fprintf(f, "]}");
	if (fclose(f) != 0)
		err(1, "a body with %d files", n);
	return body;
}

static void files(int port, pid_t monitor)
{
	static struct side small, large;
	char *few = body_with_files(1), *many = body_with_files(FILES - 1); /* the code is a file, too */

	small = side(port, monitor, few);
	large = side(port, monitor, many);
	compare("2 to 1,000 files", &small, &large);
	free(few);
	free(many);
}

struct load {
	const struct side *side;
	int64_t until_ns;
	atomic_long done;
};

static void *load_thread(void *arg)
{
	struct load *l = arg;
	int sock = client_connect(l->side->port);

	while (clock_mono_ns() < l->until_ns) {
		run(sock, l->side->body);
		atomic_fetch_add(&l->done, 1);
	}
	close(sock);
	return NULL;
}

static double per_second(const struct side *s, int clients, int seconds)
{
	pthread_t ids[64];
	int64_t begin = clock_mono_ns();
	struct load l = { .side = s, .until_ns = begin + (int64_t)seconds * 1000000000 };

	for (int i = 0; i < clients; i++)
		if (pthread_create(&ids[i], NULL, load_thread, &l) != 0)
			errx(1, "cannot start a thread");
	for (int i = 0; i < clients; i++)
		pthread_join(ids[i], NULL);
	return (double)l.done * 1e9 / (double)(clock_mono_ns() - begin);
}

static void slots(int port, pid_t monitor, int port64, pid_t monitor64)
{
	static struct side few, many;
	double a, b;

	few = side(port, monitor, ECHO_BODY);
	many = side(port64, monitor64, ECHO_BODY);
	compare("a slot per core to 64 slots", &few, &many);
	a = per_second(&few, 64, 3);
	b = per_second(&many, 64, 3);
	printf("  64 clients at once: %.0f and %.0f jobs per second (%.2f)\n", a, b, b / a);
	if (json)
		fprintf(json,
			"{\"row\":\"64 slots, 64 "
			"clients\",\"mode\":\"load\",\"smallPerS\":%.1f,\"perS\":%.1f,\"ratio\":%.3f}\n",
			a, b, b / a);
}

int main(int argc, char *argv[])
{
	struct rlimit files_limit = { 8192, 8192 };
	int number[4];

	if (argc < 5)
		errx(2, "usage: grow PORT PID PORT64 PID64 [ROUNDS]");
	for (int i = 0; i < 4; i++)
		number[i] = (int)strtol(argv[i + 1], NULL, 10);
	rounds = argc > 5 ? (int)strtol(argv[5], NULL, 10) : 5;
	if (getenv("BENCH_JSON"))
		json = fopen(getenv("BENCH_JSON"), "a");
	if (setrlimit(RLIMIT_NOFILE, &files_limit) != 0)
		err(1, "raise the limit on open files");
	printf("\nfrom small to large, a bash job from submit to result, milliseconds; MiB of the whole "
	       "server\n");
	printf("%-28s %8s %8s %7s %8s %8s %8s %8s\n", "what grows", "small", "large", "ratio", "CPU", "CPU",
	       "MiB", "MiB");
	waiting_clients(number[0], number[1]);
	outputs(number[0], number[1]);
	files(number[0], number[1]);
	slots(number[0], number[1], number[2], number[3]);
	if (json)
		fclose(json);
	return 0;
}
