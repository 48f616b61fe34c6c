/* SPDX-License-Identifier: MIT
 * title: past its resource limits
 * executors: native
 * tries: more descriptors, queued signals, locked memory, message queues and stack than it was given,
 *   a better place among the host's processes, and a core dump for the host's handler
 * limits: processes=40 diskBytes=8M fileBytes=1M
 * result: descriptors 1024
 * result: processes disk within
 * result: file SIGXFSZ
 * result: descriptors-more signals-more EPERM|EAGAIN|EMFILE
 * result: signals EAGAIN
 * result: locked ENOMEM|EPERM
 * result: queue EMFILE|ENOMEM|EINVAL
 * result: realtime nice EPERM|EACCES
 * result: core 1
 * result: cpu-seconds some
 * result: oom-score 1000
 * result: recursion SIGSEGV
 */
#include "attack_c.h"
#include <mqueue.h>

static void raise_limit(const char *name, int what)
{
	struct rlimit more = { 1 << 29, 1 << 29 };

	TRY(name, setrlimit(what, &more));
}

static void fork_many(void)
{
	pid_t pid, children[100];
	int n = 0;

	while (n < 100 && (pid = fork()) >= 0) {
		if (pid == 0) {
			pause();
			_exit(0);
		}
		children[n++] = pid;
	}
	say("processes", n <= 40 ? "within" : "beyond");
	while (n > 0)
		kill(children[--n], SIGKILL);
	while (wait(NULL) > 0)
		;
}

static void fill_disk(const char *name)
{
	static char bytes[1 << 20];
	long long total = 0;
	char path[32];
	ssize_t n = 1;

	for (int i = 0; i < 20 && n > 0; i++) {
		snprintf(path, sizeof(path), "/tmp/%d", i);
		n = write(open(path, O_CREAT | O_WRONLY, 0600), bytes, sizeof(bytes));
		total += n > 0 ? n : 0;
	}
	say(name, total <= 9 << 20 ? "within" : "beyond");
}

static void write_much(const char *name)
{
	static char bytes[1 << 20];
	int fd = open("/box/large", O_CREAT | O_WRONLY, 0600);

	for (int i = 0; i < 3; i++)
		(void)!write(fd, bytes, sizeof(bytes));
	say(name, "written");
}

static void queue_signals(void)
{
	sigset_t all;
	union sigval v = { 0 };
	int n = 0;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	while (n < 20000 && sigqueue(getpid(), SIGRTMIN, v) == 0)
		n++;
	report("signals", n < 20000 ? -1 : 0);
}

static void big_queue(void)
{
	struct mq_attr a = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
	char name[24];
	int r = 0;

	for (int i = 0; i < 100 && r != -1; i++) {
		snprintf(name, sizeof(name), "/q%d", i);
		r = mq_open(name, O_CREAT | O_RDWR, 0600, &a);
	}
	report("queue", r == -1 ? -1 : 0);
}

/* 200 MiB of it, which is within the memory limit. */
static int eat(int depth)
{
	volatile char page[1 << 16];

	page[0] = (char)depth;
	return depth > 3200 ? page[0] : eat(depth + 1) + page[0];
}

static void recurse(const char *name)
{
	say(name, eat(0) == 12345 ? "odd" : "0");
}

static void say_score(void)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDONLY);

	if (read(fd, text, sizeof(text) - 1) > 0)
		text[strcspn(text, "\n")] = '\0';
	say("oom-score", text);
}

int main(void)
{
	struct rlimit limit;
	struct sched_param p = { .sched_priority = 1 };
	int fd, last = 2;

	in_child("recursion", recurse);
	in_child("file", write_much);
	unlink("/box/large");
	fill_disk("disk");
	fork_many();
	say_score();
	TRY("realtime", sched_setscheduler(0, SCHED_FIFO, &p));
	TRY("nice", setpriority(PRIO_PROCESS, 0, -5));
	TRY("locked",
	    mlock(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1 << 20));
	big_queue();
	queue_signals();
	raise_limit("signals-more", RLIMIT_SIGPENDING);
	getrlimit(RLIMIT_CORE, &limit);
	count("core", (long)limit.rlim_max);
	getrlimit(RLIMIT_CPU, &limit);
	say("cpu-seconds", limit.rlim_max == RLIM_INFINITY ? "unlimited" : "some");
	raise_limit("descriptors-more", RLIMIT_NOFILE);
	while (last < 5000 && (fd = dup(0)) >= 0)
		last = fd;
	count("descriptors", last + 1);
	return 0;
}
