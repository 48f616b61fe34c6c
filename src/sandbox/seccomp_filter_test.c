/* SPDX-License-Identifier: MIT */
/*
 * The filters, executed here as the kernel would, for this architecture and for another that this machine
 * need not be. What the kernel then does with a call is asked in tests/sandbox/test_syscall_vector.py.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "sandbox/seccomp_filter.h"
#include "sandbox/seccomp_profile.h"

#define NO_SUCH_CALL (SECCOMP_RET_ERRNO | ENOSYS)
#define DIRT	     ((uint64_t)0xdeadbeef << 32)

static const uint32_t architectures[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 };

/* Calls that aarch64 never had: it began with their successors. */
static const char *const only_x86[] = {
	"open",
	"creat",
	"dup2",
	"stat",
	"lstat",
	"access",
	"ustat",
	"getdents",
	"readlink",
	"rename",
	"mkdir",
	"rmdir",
	"link",
	"unlink",
	"symlink",
	"mknod",
	"chmod",
	"chown",
	"lchown",
	"utime",
	"utimes",
	"futimesat",
	"poll",
	"select",
	"epoll_create",
	"epoll_ctl_old",
	"epoll_wait",
	"epoll_wait_old",
	"eventfd",
	"signalfd",
	"inotify_init",
	"pipe",
	"fork",
	"vfork",
	"getpgrp",
	"arch_prctl",
	"set_thread_area",
	"get_thread_area",
	"pause",
	"alarm",
	"time",
	"uselib",
	"sysfs",
	"_sysctl",
	"create_module",
	"iopl",
	"ioperm",
	"modify_ldt",
};

/* Calls of older architectures alone, named so that nobody wonders whether they were forgotten. */
static const char *const of_neither[] = { "socketcall", "ipc", "vm86", "vm86old", "umount", "stime" };

static bool is_listed(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i], name) == 0)
			return true;
	}
	return false;
}

#define LISTED(list, name) is_listed(list, sizeof(list) / sizeof((list)[0]), name)

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	assert_true(offset % 4 == 0 && offset + 4 <= sizeof(*data));
	memcpy(&word, (const char *)data + offset, sizeof(word));
	return word;
}

static bool holds(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return a == f->k;
	case BPF_JGE:
		return a >= f->k;
	case BPF_JSET:
		return a & f->k;
	default:
		fail_msg("instruction %#x is none that we write", f->code);
		return false;
	}
}

/* A filter only jumps forward, so it ends. */
static uint32_t run(const struct sock_fprog *p, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t at = 0; at < p->len; at++) {
		const struct sock_filter *f = &p->filter[at];

		if (f->code == (BPF_RET | BPF_K))
			return f->k;
		if (f->code == (BPF_LD | BPF_W | BPF_ABS))
			a = load(data, f->k);
		else if (f->code == (BPF_JMP | BPF_JA))
			at += f->k;
		else
			at += holds(f, a) ? f->jt : f->jf;
	}
	fail_msg("the filter runs off its end");
	return 0;
}

/* Made once: a filter lives as long as the process. */
static struct sock_fprog program(uint32_t arch, bool init)
{
	static struct sock_fprog made[2][2];
	struct sock_fprog *p = &made[arch == AUDIT_ARCH_AARCH64][init];
	struct err e = { 0 };

	if (!p->filter)
		(void)(init ? seccomp_init_program_for(arch, p, &e) : seccomp_job_program_for(arch, p, &e));
	assert_string_equal(e.msg, "");
	assert_non_null(p->filter);
	return *p;
}

static void next_name(const char **rest, char name[40])
{
	size_t len = strcspn(*rest, " ");

	snprintf(name, 40, "%.*s", (int)len, *rest);
	*rest += len;
	*rest += strspn(*rest, " ");
}

/* Calls `look` for each name of the profile. */
static void each_name(const struct profile_calls *calls, void (*look)(const char *name, int error, void *arg),
		      void *arg)
{
	char name[40];

	for (; calls->names; calls++) {
		for (const char *rest = calls->names; *rest;) {
			next_name(&rest, name);
			look(name, calls->error, arg);
		}
	}
}

static bool has_rules(const struct profile_argument *rules, const char *name)
{
	for (; rules->name; rules++) {
		if (strcmp(rules->name, name) == 0)
			return true;
	}
	return false;
}

struct filter {
	uint32_t arch;
	struct sock_fprog p;
	const struct profile_argument *rules;
};

/* With arguments that no rule refuses, where there are such. */
static void answers_as_listed(const char *name, int error, void *arg)
{
	const struct filter *f = arg;
	struct seccomp_data data = { .arch = f->arch, .nr = seccomp_number(f->arch, name) };

	if (data.nr < 0 || has_rules(f->rules, name))
		return;
	if (run(&f->p, &data) != (error ? SECCOMP_RET_ERRNO | (uint32_t)error : SECCOMP_RET_ALLOW))
		fail_msg("%s (%d) on %#x: %#x", name, data.nr, f->arch, run(&f->p, &data));
}

TEST(every_listed_call_has_the_listed_answer_on_both_architectures)
{
	for (size_t i = 0; i < 2; i++) {
		struct filter f = { .arch = architectures[i], .rules = profile_job_arguments };

		f.p = program(f.arch, false);
		each_name(profile_job_calls, answers_as_listed, &f);
		f.rules = profile_init_arguments;
		f.p = program(f.arch, true);
		each_name(profile_init_calls, answers_as_listed, &f);
	}
}

static void is_known(const char *name, int error, void *arg)
{
	bool x86 = seccomp_number(AUDIT_ARCH_X86_64, name) >= 0;
	bool arm = seccomp_number(AUDIT_ARCH_AARCH64, name) >= 0;

	(void)error;
	(void)arg;
	if (x86 == LISTED(of_neither, name))
		fail_msg("%s: x86-64 %s it", name, x86 ? "has" : "lacks");
	if (arm == (LISTED(only_x86, name) || LISTED(of_neither, name)))
		fail_msg("%s: aarch64 %s it", name, arm ? "has" : "lacks");
}

TEST(every_name_is_a_call_of_each_architecture_or_said_not_to_be)
{
	each_name(profile_job_calls, is_known, NULL);
	each_name(profile_init_calls, is_known, NULL);
}

struct listed {
	bool number[2][1024];
};

static void note(const char *name, int error, void *arg)
{
	struct listed *l = arg;

	(void)error;
	for (size_t i = 0; i < 2; i++) {
		int nr = seccomp_number(architectures[i], name);

		assert_false(nr >= 1024);
		if (nr >= 0 && l->number[i][nr])
			fail_msg("%s is listed twice", name);
		if (nr >= 0)
			l->number[i][nr] = true;
	}
}

TEST(a_call_in_no_list_does_not_exist)
{
	static struct listed l;

	each_name(profile_job_calls, note, &l);
	for (size_t i = 0; i < 2; i++) {
		struct sock_fprog p = program(architectures[i], false);

		for (int nr = 0; nr < 70000; nr++) {
			struct seccomp_data data = { .arch = architectures[i], .nr = nr };

			if (nr >= 1024 || !l.number[i][nr])
				assert_int_equal(run(&p, &data), NO_SUCH_CALL);
		}
	}
}

TEST(another_architecture_is_deadly_and_so_is_x32)
{
	static const uint32_t others[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_PPC64LE, 0 };

	for (size_t i = 0; i < 2; i++) {
		for (int init = 0; init < 2; init++) {
			struct sock_fprog p = program(architectures[i], init);
			struct seccomp_data data = { .arch = architectures[1 - i] };

			for (int nr = -1; nr < 600; nr++) {
				data.nr = nr;
				data.arch = architectures[1 - i];
				assert_int_equal(run(&p, &data), SECCOMP_RET_KILL_PROCESS);
				data.arch = others[(nr + 1) % 4];
				assert_int_equal(run(&p, &data), SECCOMP_RET_KILL_PROCESS);
				data.arch = AUDIT_ARCH_X86_64;
				data.nr = nr < 0 ? nr : nr | 0x40000000;
				if (architectures[i] == AUDIT_ARCH_X86_64)
					assert_int_equal(run(&p, &data),
							 nr < 0 ? NO_SUCH_CALL : SECCOMP_RET_KILL_PROCESS);
			}
		}
	}
}

struct argument_case {
	const char *name;
	uint64_t args[3];
	int error; /* -1: allowed */
};

/* Each also with dirt where the kernel does not look. */
static const struct argument_case argument_cases[] = {
	{ "socket", { 1 /* AF_UNIX */, 1, 0 }, -1 },
	{ "socket", { 2, 1, 6 }, -1 },
	{ "socket", { 10, 2, 17 }, -1 },
	{ "socket", { 16 /* AF_NETLINK */, 3, 0 }, EAFNOSUPPORT },
	{ "socket", { 16, 3, 12 /* NETLINK_NETFILTER */ }, EAFNOSUPPORT },
	{ "socket", { 16, 3, 6 /* NETLINK_XFRM */ }, EAFNOSUPPORT },
	{ "socket", { 17 /* AF_PACKET */, 3, 0 }, EAFNOSUPPORT },
	{ "socket", { 38 /* AF_ALG */, 5, 0 }, EAFNOSUPPORT },
	{ "socket", { 40 /* AF_VSOCK */, 1, 0 }, EAFNOSUPPORT },
	{ "socket", { 33 /* AF_RXRPC */, 2, 2 }, EAFNOSUPPORT },
	{ "socket", { 0, 0, 0 }, EAFNOSUPPORT },
	{ "socket", { 0xffffffff, 0, 0 }, EAFNOSUPPORT },
	{ "socket", { 2, 2, 1 /* ICMP */ }, -1 },
	{ "socket", { 2, 5, 132 /* SCTP */ }, EPROTONOSUPPORT },
	{ "socket", { 2, 1, 262 /* MPTCP */ }, EPROTONOSUPPORT },
	{ "socket", { 2, 3, 255 /* RAW */ }, EPROTONOSUPPORT },
	{ "socket", { 10, 2, 58 /* ICMPv6 */ }, -1 },
	{ "socket", { 10, 1, 262 }, EPROTONOSUPPORT },
	{ "socketpair", { 1, 1, 0 }, -1 },
	{ "socketpair", { 40, 1, 0 }, EAFNOSUPPORT },
	{ "socketpair", { 16, 1, 0 }, EAFNOSUPPORT },
	{ "setsockopt", { 0, 6 /* TCP */, 1 /* NODELAY */ }, -1 },
	{ "setsockopt", { 0, 6, 14 /* MD5SIG */ }, ENOPROTOOPT },
	{ "setsockopt", { 0, 6, 32 /* MD5SIG_EXT */ }, ENOPROTOOPT },
	{ "setsockopt", { 0, 6, 38 /* AO_ADD_KEY */ }, ENOPROTOOPT },
	{ "setsockopt", { 3, 0 /* IPPROTO_IP */, 2 /* IP_TTL */ }, -1 },
	{ "setsockopt", { 3, 0, 35 /* IP_ADD_MEMBERSHIP */ }, ENODEV },
	{ "setsockopt", { 3, 0, 39 /* IP_ADD_SOURCE_MEMBERSHIP */ }, ENODEV },
	{ "setsockopt", { 3, 0, 42 /* MCAST_JOIN_GROUP */ }, ENODEV },
	{ "setsockopt", { 3, 0, 46 /* MCAST_JOIN_SOURCE_GROUP */ }, ENODEV },
	{ "setsockopt", { 3, 41 /* IPPROTO_IPV6 */, 26 /* IPV6_V6ONLY */ }, -1 },
	{ "setsockopt", { 3, 41, 20 /* IPV6_ADD_MEMBERSHIP */ }, ENODEV },
	{ "setsockopt", { 3, 41, 27 /* IPV6_JOIN_ANYCAST */ }, ENODEV },
	{ "setsockopt", { 3, 41, 42 }, ENODEV },
	{ "setsockopt", { 3, 41, 46 }, ENODEV },
	{ "setsockopt", { 3, 1 /* SOL_SOCKET */, 35 /* SO_TIMESTAMPNS */ }, -1 },
	{ "clone", { 0x11 /* SIGCHLD */, 0, 0 }, -1 },
	{ "clone", { 0x3d0f00 /* a thread */, 0, 0 }, -1 },
	{ "clone", { 0x10000000 /* NEWUSER */, 0, 0 }, EPERM },
	{ "clone", { 0x00020000 /* NEWNS */, 0, 0 }, EPERM },
	{ "clone", { 0x02000000 /* NEWCGROUP */, 0, 0 }, EPERM },
	{ "clone", { 0x04000000 /* NEWUTS */, 0, 0 }, EPERM },
	{ "clone", { 0x08000000 /* NEWIPC */, 0, 0 }, EPERM },
	{ "clone", { 0x20000000 /* NEWPID */, 0, 0 }, EPERM },
	{ "clone", { 0x40000000 /* NEWNET */, 0, 0 }, EPERM },
	{ "ioctl", { 0, 0x5401 /* TCGETS */, 0 }, -1 },
	{ "ioctl", { 0, 0x5412 /* TIOCSTI */, 0 }, EPERM },
	{ "ioctl", { 0, 0x541c /* TIOCLINUX */, 0 }, EPERM },
	{ "ioctl", { 0, 0x541d /* TIOCCONS */, 0 }, EPERM },
	{ "fcntl", { 0, 3 /* F_GETFL */, 0 }, -1 },
	{ "fcntl", { 0, 1024 /* F_SETLEASE */, 0 }, EPERM },
	{ "fcntl", { 0, 1026 /* F_NOTIFY */, 0 }, EPERM },
	{ "prctl", { 15 /* PR_SET_NAME */, 0, 0 }, -1 },
	{ "prctl", { 35 /* PR_SET_MM */, 0, 0 }, EPERM },
	{ "setrlimit", { 7 /* RLIMIT_NOFILE */, 0, 0 }, -1 },
	{ "setrlimit", { 4 /* RLIMIT_CORE */, 0, 0 }, 0 },
	{ "prlimit64", { 0, 7, 1 }, -1 },
	{ "prlimit64", { 0, 4, 0 }, -1 },
	{ "prlimit64", { 0, 4, 1 }, 0 },
	{ "personality", { 0, 0, 0 }, -1 },
	{ "personality", { 0xffffffff, 0, 0 }, -1 },
	{ "personality", { 0x0400000 /* READ_IMPLIES_EXEC */, 0, 0 }, EPERM },
	{ "personality", { 0x0040000 /* ADDR_NO_RANDOMIZE */, 0, 0 }, EPERM },
	{ "seccomp", { 1, 1 /* TSYNC */, 0 }, -1 },
	{ "seccomp", { 1, 8 /* NEW_LISTENER */, 0 }, EPERM },
	{ "memfd_create", { 0, 2 /* ALLOW_SEALING */, 0 }, -1 },
	{ "memfd_create", { 0, 4 /* HUGETLB */, 0 }, EINVAL },
};

static void check_case(const struct argument_case *c, uint32_t arch, const struct sock_fprog *p,
		       uint64_t dirt)
{
	struct seccomp_data data = { .arch = arch, .nr = seccomp_number(arch, c->name) };
	uint32_t wanted = c->error < 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | (uint32_t)c->error;

	for (int i = 0; i < 3; i++)
		data.args[i] = c->args[i] | dirt;
	if (run(p, &data) != wanted)
		fail_msg("%s(%#llx, %#llx, %#llx) on %#x: %#x", c->name, (unsigned long long)data.args[0],
			 (unsigned long long)data.args[1], (unsigned long long)data.args[2], arch,
			 run(p, &data));
}

TEST(arguments_decide_by_the_half_that_the_kernel_reads)
{
	for (size_t i = 0; i < 2; i++) {
		struct sock_fprog p = program(architectures[i], false);

		for (size_t n = 0; n < sizeof(argument_cases) / sizeof(argument_cases[0]); n++) {
			const struct argument_case *c = &argument_cases[n];

			check_case(c, architectures[i], &p, 0);
			/* A pointer is read whole: dirt is a value. */
			if (strcmp(c->name, "prlimit64") != 0)
				check_case(c, architectures[i], &p, DIRT);
		}
	}
}

TEST(every_argument_rule_has_a_case_that_it_refuses)
{
	for (const struct profile_argument *r = profile_job_arguments; r->name; r++) {
		bool found = false;

		for (size_t n = 0; n < sizeof(argument_cases) / sizeof(argument_cases[0]); n++)
			found = found || (strcmp(argument_cases[n].name, r->name) == 0 &&
					  argument_cases[n].error == r->error);
		if (!found)
			fail_msg("%s: %s", r->name, r->why);
	}
}

TEST(init_may_kill_all_of_the_slot_and_make_no_code)
{
	static const struct argument_case cases[] = {
		{ "kill", { 0xffffffff, 9, 0 }, -1 },  { "kill", { 0xffffffff, 15, 0 }, EPERM },
		{ "kill", { 2, 9, 0 }, EPERM },	       { "ioctl", { 4, 0x541b, 0 }, -1 },
		{ "ioctl", { 4, 0x5421, 0 }, EPERM },  { "mmap", { 0, 4096, 3 }, -1 },
		{ "mmap", { 0, 4096, 4 }, EPERM },     { "mmap", { 0, 4096, 7 }, EPERM },
		{ "mprotect", { 0, 4096, 5 }, EPERM }, { "execve", { 0, 0, 0 }, ENOSYS },
		{ "clone", { 17, 0, 0 }, ENOSYS },     { "socket", { 1, 1, 0 }, ENOSYS },
		{ "openat", { 0, 0, 0 }, ENOSYS },     { "ptrace", { 0, 0, 0 }, ENOSYS },
	};

	for (size_t i = 0; i < 2; i++) {
		struct sock_fprog p = program(architectures[i], true);

		for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
			check_case(&cases[n], architectures[i], &p, 0);
			check_case(&cases[n], architectures[i], &p, DIRT);
		}
	}
}

UNIT_MAIN(T(every_listed_call_has_the_listed_answer_on_both_architectures),
	  T(every_name_is_a_call_of_each_architecture_or_said_not_to_be), T(a_call_in_no_list_does_not_exist),
	  T(another_architecture_is_deadly_and_so_is_x32),
	  T(arguments_decide_by_the_half_that_the_kernel_reads),
	  T(every_argument_rule_has_a_case_that_it_refuses),
	  T(init_may_kill_all_of_the_slot_and_make_no_code))
