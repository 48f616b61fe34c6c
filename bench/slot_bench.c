/* SPDX-License-Identifier: MIT */
/*
 * The price of a slot: from the request to the spawner until its report, for a static program that returns,
 * against posix_spawn of the same program, and against other ways to run it in a container. Needs root:
 *
 *   slot_bench SPAWNER ROOT [ROUNDS [PEERS]]
 *
 * ROOT is a root file system with the program as /usr/bin/returns. Each line of the file PEERS is one other
 * way: its name, how many times a slot it ought to take back to back and at 10 a second, and its command,
 * between tabs.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "base/clock.h"
#include "clock.h"
#include "sandbox/config.h"
#include "sandbox/spec.h"
#include "sandbox/wire.h"
#include "stats.h"

#define BLOCK	      50

#define PEERS_MAX     8
#define PEER_WORDS    32
#define PEER_BLOCK_NS INT64_C(3000000000) /* what takes longer is started less often */

static int spawner_sock;
static uint64_t n_runs;
static char rootfs[PATH_MAX], program[PATH_MAX + 32];
static const char *const slot_argv[] = { "returns", NULL };
static const char *const bare_argv[] = { program, NULL };

static struct peer {
	char line[1024];
	const char *name;
	double target[2]; /* for each mode */
	const char *argv[PEER_WORDS];
	struct samples samples;
} peers[PEERS_MAX];
static size_t n_peers;
static FILE *json;

static void read_peer(struct peer *p)
{
	char *rest = p->line, *command;
	size_t n = 0;

	p->line[strcspn(p->line, "\n")] = '\0';
	p->name = strsep(&rest, "\t");
	for (size_t i = 0; i < 2; i++)
		p->target[i] = rest ? strtod(strsep(&rest, "\t"), NULL) : 0;
	command = rest;
	while (command && n < PEER_WORDS - 1)
		p->argv[n++] = strsep(&command, " ");
	if (n == 0)
		errx(1, "the peer \"%s\" has no command", p->name);
}

static void read_peers(const char *path)
{
	FILE *f = fopen(path, "r");

	if (!f)
		err(1, "read %s", path);
	while (n_peers < PEERS_MAX && fgets(peers[n_peers].line, sizeof(peers[0].line), f))
		read_peer(&peers[n_peers++]);
	fclose(f);
}

static int write_config(const char *run_dir)
{
	struct sandbox_config config = {
		.magic = SANDBOX_CONFIG_MAGIC,
		.size = sizeof(config),
		.version = CODECRUSHER_VERSION,
		.slots = 2,
		.uid_base = 0x70000000,
		.slot_millicpus = 2000,
		.allow_weak = SANDBOX_WEAK_CORE | SANDBOX_WEAK_SWAP,
		.log_level = 2,
		.cgroup_parent = "codecrusher-bench",
		.maxima = { 60000, 120000, INT64_C(1) << 31, 512, 1 << 30, 1 << 30 },
		.usual = { 10000, 20000, 256 << 20, 64, 64 << 20, 64 << 20 },
	};
	int fd = memfd_create("config", MFD_ALLOW_SEALING);

	snprintf(config.run_dir, sizeof(config.run_dir), "%s", run_dir);
	if ((size_t)snprintf(config.rootfs, sizeof(config.rootfs), "%s", rootfs) >= sizeof(config.rootfs))
		errx(1, "%s is too long", rootfs);
	if (fd < 0 || write(fd, &config, sizeof(config)) != sizeof(config) || spec_seal(fd) != 0)
		err(1, "write the spawner's configuration");
	return fd;
}

static void exec_spawner(const char *path, int sock, int config)
{
	char *const argv[] = { (char[]){ "codecrusher-spawner" }, NULL };
	char *const envp[] = { NULL };

	/* Both may sit on the other's number. */
	sock = fcntl(sock, F_DUPFD, 10);
	config = fcntl(config, F_DUPFD, 10);
	if (dup2(sock, SANDBOX_ENGINE_FD) < 0 || dup2(config, SANDBOX_CONFIG_FD) < 0)
		_exit(1);
	close_range(5, ~0U, 0);
	execve(path, argv, envp);
	_exit(127);
}

/* Waits for a message of one of two types and returns it; others are counts that nobody asked for here. */
static void receive(struct wire_message *m, enum wire_type type)
{
	for (;;) {
		struct err e = { 0 };
		int got = wire_receive(spawner_sock, m, &e);

		if (got < 0 && e.kind == ERR_BUSY) {
			struct pollfd p = { .fd = spawner_sock, .events = POLLIN };

			poll(&p, 1, -1);
			continue;
		}
		if (got <= 0)
			errx(1, "the spawner is gone: %s", e.msg);
		if (m->head.type == type)
			return;
		if (m->head.type == WIRE_REFUSED)
			errx(1, "refused: %s", m->refused.reason);
		wire_close_fds(m);
	}
}

static void run_slot(void)
{
	const struct spec spec = { .argv = slot_argv, .env = &slot_argv[1] };
	struct wire_run run = {
		.head = { WIRE_RUN, sizeof(run), ++n_runs },
		.limits = { 10000, 20000, 256 << 20, 64, 64 << 20, 64 << 20 },
	};
	struct wire_message m;
	struct err e = { 0 };
	int fd = spec_memfd(&spec, &e);

	if (fd < 0 || wire_send(spawner_sock, &run, sizeof(run), &fd, 1) != 0)
		errx(1, "ask for a run: %s", e.msg);
	close(fd);
	receive(&m, WIRE_STARTED);
	wire_close_fds(&m);
	receive(&m, WIRE_DONE);
	if (m.done.exit_code != 0 || m.done.flags != 0)
		errx(1, "the run ended with status %d: %s", m.done.exit_code, m.done.problem);
}

static void run_bare_program(void)
{
	bare_run(bare_argv, "");
}

static void block(struct samples *s, void (*one)(void), int64_t gap_ns)
{
	int64_t next = clock_mono_ns() + gap_ns;

	for (int i = 0; i < BLOCK; i++, next += gap_ns) {
		int64_t begin;

		if (gap_ns > 0)
			bench_sleep_until(next);
		begin = clock_mono_ns();
		one();
		samples_add(s, clock_mono_ns() - begin);
	}
}

static void peer_block(struct peer *p, int64_t gap_ns)
{
	int64_t begin = clock_mono_ns(), next = begin + gap_ns;

	for (int i = 0; i < BLOCK && (i < 5 || clock_mono_ns() - begin < PEER_BLOCK_NS + gap_ns * BLOCK);
	     i++) {
		int64_t started;

		if (gap_ns > 0)
			bench_sleep_until(next);
		started = clock_mono_ns();
		bare_run(p->argv, "");
		samples_add(&p->samples, clock_mono_ns() - started);
		next = clock_mono_ns() + gap_ns > next + gap_ns ? clock_mono_ns() + gap_ns : next + gap_ns;
	}
}

static void print_slot(const char *mode, struct samples *bare, struct samples *slot)
{
	double b = samples_percentile_ms(bare, 50), s = samples_percentile_ms(slot, 50);

	printf("%-11s %-8s %8.2f %8.2f %7.2f %7.2f %8.2f %8.2f %8.2f\n", "slot", mode, b, s, s / b, 1.5,
	       samples_percentile_ms(slot, 95), samples_percentile_ms(slot, 99),
	       samples_percentile_ms(slot, 100));
	if (json)
		fprintf(json,
			"{\"row\":\"slot\",\"mode\":\"%s\",\"bareP50Ms\":%.3f,\"p50Ms\":%.3f,\"ratio\":%.3f,"
			"\"p95Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f,\"samples\":%zu}\n",
			mode, b, s, s / b, samples_percentile_ms(slot, 95), samples_percentile_ms(slot, 99),
			samples_percentile_ms(slot, 100), slot->n);
	fflush(stdout);
}

static void print_peer(const char *mode, struct peer *p, double target, double slot)
{
	double ms = samples_percentile_ms(&p->samples, 50);

	printf("%-11s %-8s %8.2f %8.2f %7.1f ", p->name, mode, slot, ms, ms / slot);
	if (target > 0)
		printf("%7.1f", target);
	else
		printf("%7s", "-");
	printf(" %8.2f %8.2f %8.2f   times a slot (ratio: at least)\n",
	       samples_percentile_ms(&p->samples, 95), samples_percentile_ms(&p->samples, 99),
	       samples_percentile_ms(&p->samples, 100));
	if (json)
		fprintf(json,
			"{\"row\":\"%s\",\"mode\":\"peer-%s\",\"slotP50Ms\":%.3f,\"p50Ms\":%.3f,"
			"\"ratio\":%.3f,\"samples\":%zu}\n",
			p->name, mode, slot, ms, ms / slot, p->samples.n);
	fflush(stdout);
}

static void rows(size_t mode, int64_t gap_ns, int rounds)
{
	static const char *const names[] = { "closed", "open10" };
	static struct samples bare, slot;

	bare.n = slot.n = 0;
	for (size_t p = 0; p < n_peers; p++)
		peers[p].samples.n = 0;
	for (int i = 0; i < rounds; i++) {
		block(&bare, run_bare_program, gap_ns);
		block(&slot, run_slot, gap_ns);
		for (size_t p = 0; p < n_peers; p++)
			peer_block(&peers[p], gap_ns);
	}
	print_slot(names[mode], &bare, &slot);
	for (size_t p = 0; p < n_peers; p++)
		print_peer(names[mode], &peers[p], peers[p].target[mode], samples_percentile_ms(&slot, 50));
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec * 1e-6;
}

/* Of everything the spawner waited for as well: its builder and all slots, but not of the kernel's workers.
 */
static void print_cpu(pid_t spawner)
{
	struct rusage used;
	int status;
	double ms;

	if (wait4(spawner, &status, 0, &used) != spawner)
		err(1, "wait for the spawner");
	ms = (seconds(&used.ru_utime) + seconds(&used.ru_stime)) * 1000 / (double)n_runs;
	printf("CPU time of the spawner, its builder and the slots: %.2f ms a run\n", ms);
	if (json)
		fprintf(json, "{\"row\":\"slot\",\"mode\":\"cpu\",\"cpuMs\":%.3f}\n", ms);
}

static pid_t start_spawner(const char *path, const char *run_dir)
{
	struct wire_message hello;
	int pair[2], config;
	pid_t pid;

	if ((mkdir(run_dir, 0755) != 0 && errno != EEXIST) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		err(1, "prepare");
	config = write_config(run_dir);
	pid = fork();
	if (pid == 0)
		exec_spawner(path, pair[1], config);
	close(pair[1]);
	spawner_sock = pair[0];
	fcntl(spawner_sock, F_SETFL, O_NONBLOCK);
	receive(&hello, WIRE_HELLO);
	return pid;
}

int main(int argc, char *argv[])
{
	pid_t spawner;
	int rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 4;

	if (argc < 3)
		errx(2, "usage: slot_bench SPAWNER ROOT [ROUNDS [PEERS]]");
	if (!realpath(argv[2], rootfs))
		err(1, "%s", argv[2]);
	snprintf(program, sizeof(program), "%s/usr/bin/returns", rootfs);
	if (argc > 4)
		read_peers(argv[4]);
	if (getenv("BENCH_JSON"))
		json = fopen(getenv("BENCH_JSON"), "a");
	/* Its lock keeps us apart from servers. */
	spawner = start_spawner(argv[1], "/run/codecrusher");
	bare_enter_directory(); /* after the start: the paths may be relative */
	run_slot();
	printf("\na static program that returns, milliseconds; what a slot takes is compared\n");
	rows(0, 0, rounds);
	rows(1, 100000000, rounds > 2 ? 2 : rounds);
	close(spawner_sock);
	print_cpu(spawner);
	if (json)
		fclose(json);
	bare_cleanup();
	return 0;
}
