/* SPDX-License-Identifier: MIT */
#include "cmd/children.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static void taken_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
}

void children_take_signals(void)
{
	sigset_t set;

	taken_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* Whoever started us may ignore it (nohup does), and what is ignored never comes, blocked or not. */
	(void)signal(SIGHUP, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
}

void children_reset_signals(void)
{
	sigset_t none;

	(void)signal(SIGHUP, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int children_wait_signal(int64_t timeout_ms)
{
	struct timespec t = { .tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000 };
	sigset_t set;
	int sig;

	taken_signals(&set);
	sig = sigtimedwait(&set, NULL, timeout_ms < 0 ? NULL : &t);
	return sig < 0 ? 0 : sig;
}

void children_die_with(pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent) /* it died before the wish was in force */
		_exit(1);
}

pid_t children_fork(bool own_group)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	children_die_with(parent);
	if (own_group)
		(void)setpgid(0, 0);
	children_reset_signals();
	return 0;
}

int children_wait_or_kill(pid_t pid, int64_t timeout_ms)
{
	int64_t deadline = clock_mono_ms() + timeout_ms;
	bool killed = false;
	int status = 0;

	for (;;) {
		pid_t ended = waitpid(pid, &status, killed ? 0 : WNOHANG);
		int64_t left = deadline - clock_mono_ms();

		if (ended == pid || (ended < 0 && errno != EINTR))
			return status;
		if (left <= 0 && !killed) {
			(void)kill(pid, SIGKILL);
			killed = true;
		} else if (!killed) {
			(void)children_wait_signal(left);
		}
	}
}

const char *children_describe(int wait_status)
{
	static char text[64];

	if (WIFSIGNALED(wait_status))
		snprintf(text, sizeof(text), "signal %d (%s)", WTERMSIG(wait_status),
			 strsignal(WTERMSIG(wait_status)));
	else
		snprintf(text, sizeof(text), "exit status %d", WEXITSTATUS(wait_status));
	return text;
}
