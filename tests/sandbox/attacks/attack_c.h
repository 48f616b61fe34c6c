/* SPDX-License-Identifier: MIT */
/* What most attacks in C need. Every line that counts is "RESULT name value"; a value is an errno's name, 0
 * for a call that worked, or a word. It is written at once: the next call may be the last. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Programs include everything above and use what they need. */
#pragma GCC diagnostic ignored "-Wunused-function"

static void say(const char *name, const char *word)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "RESULT %s %s\n", name, word);

	if (write(1, line, (size_t)n) != n)
		_exit(99);
}

static void report(const char *name, long r)
{
	say(name, r == -1 ? strerrorname_np(errno) : "0");
}

static void count(const char *name, long n)
{
	char number[24];

	snprintf(number, sizeof(number), "%ld", n);
	say(name, number);
}

/* The call's errno, or 0. */
#define TRY(name, call) report(name, (long)(call))
/* The same of a system call, past every wrapper of libc. */
#define CALL(name, nr, ...) report(name, syscall(nr, ##__VA_ARGS__))

/* In a child, because it may die of it: what the function says, or "SIGxxx". */
static void in_child(const char *name, void (*attack)(const char *name))
{
	int status;
	pid_t pid = fork();

	if (pid < 0) {
		report(name, -1);
		return;
	}
	if (pid == 0) {
		attack(name);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status)) {
		char word[32];

		snprintf(word, sizeof(word), "SIG%s", sigabbrev_np(WTERMSIG(status)));
		say(name, word);
	}
}
