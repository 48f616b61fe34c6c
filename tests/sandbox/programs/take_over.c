/* SPDX-License-Identifier: MIT */
/*
 * Makes system calls in another process, as somebody would who had taken it over, and lets it go on as if
 * nothing had happened. A line for each: name, and the errno or 0. Addresses are NULL: who gets as far as
 * EFAULT has come too far.
 *
 *   take_over PID
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#if !defined(__x86_64__)
#error "the registers of this architecture are missing here"
#endif

#define SYSCALL_INSTRUCTION 0x050f

static const struct {
	const char *name;
	long nr, args[4];
} calls[] = {
	{ "openat", SYS_openat, { -100, 0, 0, 0 } },
	{ "execve", SYS_execve, { 0, 0, 0, 0 } },
	{ "socket", SYS_socket, { 38 /* AF_ALG */, 5, 0, 0 } },
	{ "unshare", SYS_unshare, { 0, 0, 0, 0 } },
	{ "mount", SYS_mount, { 0, 0, 0, 0 } },
	{ "ptrace", SYS_ptrace, { 0, 0, 0, 0 } },
	{ "bpf", SYS_bpf, { 0, 0, 0, 0 } },
	{ "kill", SYS_kill, { 2, 0, 0, 0 } },
	{ "code", SYS_mmap, { 0, 4096, 7 /* read, write, execute */, 0x22 } },
	{ "setgid", SYS_setgid, { 0, 0, 0, 0 } },
	{ "setuid", SYS_setuid, { 0, 0, 0, 0 } },
};

static void need(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void wait_for_stop(pid_t pid)
{
	int status;

	need(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "wait for the process to stop");
}

static void get(pid_t pid, struct user_regs_struct *r)
{
	need(ptrace(PTRACE_GETREGS, pid, 0, r) == 0, "read the registers");
}

static void set(pid_t pid, const struct user_regs_struct *r)
{
	need(ptrace(PTRACE_SETREGS, pid, 0, r) == 0, "write the registers");
}

/* `r` is as before the instruction that the process waits in. */
static long call(pid_t pid, struct user_regs_struct r, long nr, const long args[4])
{
	r.rax = (unsigned long)nr;
	r.rdi = (unsigned long)args[0];
	r.rsi = (unsigned long)args[1];
	r.rdx = (unsigned long)args[2];
	r.r10 = (unsigned long)args[3];
	r.r8 = (unsigned long)-1L;
	r.r9 = 0;
	set(pid, &r);
	need(ptrace(PTRACE_SINGLESTEP, pid, 0, 0) == 0, "step");
	wait_for_stop(pid);
	get(pid, &r);
	return (long)r.rax;
}

int main(int argc, char **argv)
{
	pid_t pid = argc == 2 ? atoi(argv[1]) : 0;
	struct user_regs_struct waiting;
	long nr;

	need(ptrace(PTRACE_SEIZE, pid, 0, 0) == 0, "seize the process");
	need(ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0, "interrupt it");
	wait_for_stop(pid);
	get(pid, &waiting);
	nr = (long)waiting.orig_rax;
	waiting.rip -= 2;
	need(nr >= 0 && (ptrace(PTRACE_PEEKTEXT, pid, waiting.rip, 0) & 0xffff) == SYSCALL_INSTRUCTION,
	     "find it in a system call");
	/* No call is to be begun anew by the kernel. */
	waiting.orig_rax = (unsigned long)-1L;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		long result = call(pid, waiting, calls[i].nr, calls[i].args);

		printf("%s %s\n", calls[i].name,
		       result < 0 && result > -4096 ? strerrorname_np((int)-result) : "0");
	}
	waiting.rax = (unsigned long)nr;
	set(pid, &waiting);
	need(ptrace(PTRACE_DETACH, pid, 0, 0) == 0, "let it go");
	return 0;
}
