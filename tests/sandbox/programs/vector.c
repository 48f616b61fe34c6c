/* SPDX-License-Identifier: MIT */
/*
 * Makes every system call with six zeros, each in a child of its own, and prints one line for each:
 *   <number> <result>      what it returned, "-<errno>" for an error
 *   <number> exit <status> the child was ended by it
 *   <number> signal <n>    it was killed
 *   <number> waits         it would wait for ever
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUMBERS 600
#define X32_BIT 0x40000000L
#define LOOK_MS 50
#define LOOKS	4

/* No libc in between: it would turn errors around, and its stack is not to be shared by vfork's two sides. */
static long call(long nr)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0, r9 __asm__("r9") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(0L), "S"(0L), "d"(0L), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
#else
	register long x8 __asm__("x8") = nr, x0 __asm__("x0") = 0, x1 __asm__("x1") = 0, x2 __asm__("x2") = 0,
			 x3 __asm__("x3") = 0, x4 __asm__("x4") = 0, x5 __asm__("x5") = 0;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#endif
}

static _Noreturn void child(long nr, int out)
{
	pid_t me = getpid();
	long result = call(nr);

	if (getpid() != me)
		_exit(0); /* fork, vfork or clone: the child's child */
	/* Even when descriptor 0 or the limits changed, this one is open and small. */
	(void)!write(out, &result, sizeof(result));
	/* After seccomp's strict mode only the plain call is left. */
	syscall(SYS_exit, 0);
	_exit(0);
}

static void tell(long nr, long result)
{
	if (result < 0 && result > -4096)
		printf("%ld -%ld\n", nr, -result);
	else
		printf("%ld %ld\n", nr, result);
}

static void tell_death(long nr, int status, int waits)
{
	if (waits)
		printf("%ld waits\n", nr);
	else if (WIFSIGNALED(status))
		printf("%ld signal %d\n", nr, WTERMSIG(status));
	else
		printf("%ld exit %d\n", nr, WEXITSTATUS(status));
}

/* Of a process: R, S, Z ... */
static char state_of(pid_t pid)
{
	char path[32], text[256];
	const char *behind;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return '?';
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	behind = strrchr(text, ')');
	return behind && behind[1] ? behind[2] : '?';
}

/* Until there is an answer, or the pipe's end because the child is dead, or the child sleeps each of a few
 * times that we look: one that was not yet run, on a loaded machine, does not sleep. True: it would wait for
 * ever. */
static int wait_for_answer(int fd, pid_t pid)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (int asleep = 0; asleep < LOOKS;) {
		if (poll(&p, 1, LOOK_MS) != 0)
			return 0;
		asleep = state_of(pid) == 'S' ? asleep + 1 : 0;
	}
	return 1;
}

static void ask(long nr)
{
	int ends[2], status = 0, waits;
	long result;
	pid_t pid;

	if (pipe(ends) < 0 || (pid = fork()) < 0) {
		printf("%ld cannot ask: %d\n", nr, errno);
		return;
	}
	if (pid == 0) {
		close(ends[0]);
		child(nr, ends[1]);
	}
	close(ends[1]);
	waits = wait_for_answer(ends[0], pid);
	if (waits)
		kill(pid, SIGKILL);
	if (!waits && read(ends[0], &result, sizeof(result)) == sizeof(result)) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, __WALL);
		tell(nr, result);
	} else {
		waitpid(pid, &status, __WALL);
		tell_death(nr, status, waits);
	}
	close(ends[0]);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (long nr = 0; nr < NUMBERS; nr++)
		ask(nr);
#if defined(__x86_64__)
	for (long nr = 0; nr < NUMBERS; nr++)
		ask(X32_BIT + nr);
#endif
	ask(65535);
	ask(-1);
	return 0;
}
