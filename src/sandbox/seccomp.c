/* SPDX-License-Identifier: MIT */
/*
 * Makes BPF of a profile. The list of calls goes through libseccomp, which knows the numbers, checks the
 * architecture and builds a binary tree. The rules on arguments are appended by hand: where the first part
 * would allow, it jumps to them instead. libseccomp compares 64 bits where the kernel takes 32, and cannot
 * say "none of these values".
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "sandbox/seccomp_profile.h"
#include "sandbox/slot.h"

#define NAME_MAX_LEN 40

struct program {
	struct sock_filter code[BPF_MAXINSNS];
	size_t len;
};

static void release_context(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

/* The next word of `*names` into `word`; false at the end. */
static bool next_name(const char **names, char word[NAME_MAX_LEN])
{
	size_t len;

	*names += strspn(*names, " ");
	len = strcspn(*names, " ");
	if (len == 0 || len >= NAME_MAX_LEN)
		return false;
	memcpy(word, *names, len);
	word[len] = '\0';
	*names += len;
	return true;
}

static int add_calls(scmp_filter_ctx ctx, const struct profile_calls *calls, struct err *e)
{
	uint32_t action = calls->error ? SCMP_ACT_ERRNO((uint32_t)calls->error) : SCMP_ACT_ALLOW;
	const char *rest = calls->names;
	char name[NAME_MAX_LEN];

	while (next_name(&rest, name)) {
		int nr = seccomp_syscall_resolve_name(name);
		int r;

		/* Negative: another architecture's, or newer than this libseccomp. Both end as ENOSYS. */
		if (nr < 0)
			continue;
		r = seccomp_rule_add(ctx, action, nr, 0);
		if (r < 0)
			return err_set(e, ERR_UNSUPPORTED, -r, "seccomp rule for %s", name);
	}
	return 0;
}

/* libseccomp writes a program only to a descriptor (its call for memory is newer than 2.5.4). */
static int export_program(scmp_filter_ctx ctx, struct program *p, struct err *e)
{
	AUTO_CLOSE int fd = memfd_create("seccomp", MFD_CLOEXEC);
	ssize_t n;
	int r;

	if (fd < 0)
		return err_set(e, ERR_IO, errno, "memfd_create");
	r = seccomp_export_bpf(ctx, fd);
	if (r < 0)
		return err_set(e, ERR_UNSUPPORTED, -r, "export the seccomp program");
	n = pread(fd, p->code, sizeof(p->code), 0);
	if (n <= 0 || (size_t)n % sizeof(p->code[0]) != 0)
		return err_set(e, ERR_IO, n < 0 ? errno : 0, "read the seccomp program back");
	p->len = (size_t)n / sizeof(p->code[0]);
	return 0;
}

static int compile_calls(const struct profile_calls *calls, struct program *p, struct err *e)
{
	AUTO(release_context) scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r;

	if (!ctx)
		return err_set(e, ERR_UNSUPPORTED, 0, "libseccomp cannot begin a filter");
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r < 0)
		return err_set(e, ERR_UNSUPPORTED, -r, "libseccomp attributes");
	for (; calls->names; calls++) {
		if (calls->error != ENOSYS && add_calls(ctx, calls, e) < 0)
			return -1;
	}
	return export_program(ctx, p, e);
}

static void emit(struct program *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	/* One too many is counted and refused at the end. */
	if (p->len < BPF_MAXINSNS)
		p->code[p->len] = (struct sock_filter){ code, jt, jf, k };
	p->len++;
}

static void emit_load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* Little-endian, which both architectures we resolve are: the lower half comes first. */
static size_t arg_low(int arg)
{
	return offsetof(struct seccomp_data, args) + (size_t)arg * sizeof(uint64_t);
}

static void emit_return_error(struct program *p, int error)
{
	emit(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | (uint32_t)error);
}

/* Jumps over the following RET when the argument is fine. */
static void emit_test(struct program *p, const struct profile_argument *rule)
{
	uint8_t n = (uint8_t)rule->n_values;

	emit_load(p, arg_low(rule->arg));
	switch (rule->test) {
	case REFUSE_VALUES:
		/* The last comparison skips the RET, the earlier ones enter it. */
		for (uint8_t i = 0; i < n; i++)
			emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)(n - 1 - i), i == n - 1, rule->values[i]);
		break;
	case REFUSE_OTHERS:
		for (uint8_t i = 0; i < n; i++)
			emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)(n - i), 0, rule->values[i]);
		break;
	case REFUSE_BITS:
		emit(p, BPF_JMP | BPF_JSET | BPF_K, 0, 1, rule->values[0]);
		break;
	case REFUSE_SET:
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0);
		emit_load(p, arg_low(rule->arg) + sizeof(uint32_t));
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0);
		break;
	}
	emit_return_error(p, rule->error);
}

static void emit_rule(struct program *p, const struct profile_argument *rule)
{
	int nr = seccomp_syscall_resolve_name(rule->name);
	size_t skip_call, skip_when = 0;

	if (nr < 0)
		return;
	emit_load(p, offsetof(struct seccomp_data, nr));
	skip_call = p->len;
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, (uint32_t)nr);
	if (rule->when_arg != PROFILE_ALWAYS) {
		emit_load(p, arg_low(rule->when_arg));
		skip_when = p->len;
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, rule->when_value);
	}
	emit_test(p, rule);
	if (p->len > BPF_MAXINSNS)
		return;
	p->code[skip_call].jf = (uint8_t)(p->len - skip_call - 1);
	if (skip_when)
		p->code[skip_when].jf = (uint8_t)(p->len - skip_when - 1);
}

static int append_arguments(struct program *p, const struct profile_argument *rules, struct err *e)
{
	size_t calls_len = p->len;

	for (size_t i = 0; i < calls_len; i++) {
		if (p->code[i].code == (BPF_RET | BPF_K) && p->code[i].k == SECCOMP_RET_ALLOW)
			p->code[i] =
				(struct sock_filter){ BPF_JMP | BPF_JA, 0, 0, (uint32_t)(calls_len - i - 1) };
	}
	for (; rules->name; rules++)
		emit_rule(p, rules);
	emit(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	if (p->len > BPF_MAXINSNS)
		return err_set(e, ERR_UNSUPPORTED, 0, "the seccomp program is longer than the kernel takes");
	return 0;
}

static int compile(const struct profile_calls *calls, const struct profile_argument *rules,
		   struct sock_fprog *ret, struct err *e)
{
	AUTO_FREE struct program *p = calloc(1, sizeof(*p));
	struct sock_filter *code;

	if (!p)
		return err_set(e, ERR_IO, errno, "seccomp program");
	if (compile_calls(calls, p, e) < 0 || append_arguments(p, rules, e) < 0)
		return -1;
	code = malloc(p->len * sizeof(*code));
	if (!code)
		return err_set(e, ERR_IO, errno, "seccomp program");
	memcpy(code, p->code, p->len * sizeof(*code));
	*ret = (struct sock_fprog){ .len = (unsigned short)p->len, .filter = code };
	return 0;
}

int seccomp_job_program(struct sock_fprog *ret, struct err *e)
{
	return compile(profile_job_calls, profile_job_arguments, ret, e);
}

int seccomp_init_program(struct sock_fprog *ret, struct err *e)
{
	return compile(profile_init_calls, profile_init_arguments, ret, e);
}
