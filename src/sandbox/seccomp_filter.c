/* SPDX-License-Identifier: MIT */
/*
 * Makes BPF of a profile. libseccomp knows the numbers; the program is our own, because libseccomp compares
 * 64 bits of an argument where the kernel takes 32, cannot say "none of these values", and knows no call that
 * is newer than itself.
 *
 *   another architecture, x32 included        -> the process is killed
 *   a binary search in the numbers            -> the call's answer, or its rules
 *   the rules on arguments, call by call      -> the rule's answer, else allowed
 */
#include "sandbox/seccomp_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sandbox/seccomp_profile.h"

#define NAME_MAX_LEN 40

/* No architecture we resolve has a call with a number from here on. */
#define NUMBERS 1024

/* x32 is x86-64 with this bit in the number; -1 is no call, and what a tracer writes to skip one. */
#define X32_BIT	     0x40000000u
#define NO_CALL	     0xffffffffu

#define NO_SUCH_CALL (SECCOMP_RET_ERRNO | ENOSYS)
/* Stands for a jump to the rules until these have a place. */
#define TO_THE_RULES UINT32_MAX

struct program {
	struct sock_filter code[BPF_MAXINSNS];
	size_t len;
	uint32_t arch;
	uint32_t answers[NUMBERS];
};

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

int seccomp_number(uint32_t arch, const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(arch, name);

	if (nr >= 0)
		return nr;
	for (const struct profile_number *n = profile_numbers; n->name; n++) {
		if (strcmp(n->name, name) == 0)
			return n->number;
	}
	return -1;
}

static uint32_t answer_of(int error)
{
	return SECCOMP_RET_ERRNO | (uint32_t)error;
}

static int answer_calls(struct program *p, const struct profile_calls *calls, struct err *e)
{
	char name[NAME_MAX_LEN];

	for (size_t i = 0; i < NUMBERS; i++)
		p->answers[i] = NO_SUCH_CALL;
	for (; calls->names; calls++) {
		const char *rest = calls->names;

		while (next_name(&rest, name)) {
			int nr = seccomp_number(p->arch, name);

			if (nr < 0)
				continue;
			if (nr >= NUMBERS)
				return err_set(e, ERR_UNSUPPORTED, 0, "system call %s has the number %d",
					       name, nr);
			p->answers[nr] = calls->error ? answer_of(calls->error) : SECCOMP_RET_ALLOW;
		}
	}
	return 0;
}

static void mark_ruled(struct program *p, const struct profile_argument *rules)
{
	for (; rules->name; rules++) {
		int nr = seccomp_number(p->arch, rules->name);

		if (nr >= 0 && nr < NUMBERS && p->answers[nr] == SECCOMP_RET_ALLOW)
			p->answers[nr] = TO_THE_RULES;
	}
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

static void emit_return(struct program *p, uint32_t answer)
{
	emit(p, BPF_RET | BPF_K, 0, 0, answer);
}

/* Leaves the number in the accumulator. */
static void emit_head(struct program *p)
{
	emit_load(p, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, p->arch);
	emit_return(p, SECCOMP_RET_KILL_PROCESS);
	emit_load(p, offsetof(struct seccomp_data, nr));
	if (p->arch == AUDIT_ARCH_X86_64) {
		emit(p, BPF_JMP | BPF_JGE | BPF_K, 0, 2, X32_BIT);
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, NO_CALL);
		emit_return(p, SECCOMP_RET_KILL_PROCESS);
	}
	emit(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, NUMBERS);
	emit_return(p, NO_SUCH_CALL);
}

/* The first number from `from` on whose answer is another one, or `end`. */
static size_t end_of_range(const struct program *p, size_t from, size_t end)
{
	size_t at = from;

	while (at < end && p->answers[at] == p->answers[from])
		at++;
	return at;
}

/* The border between two answers that is nearest to the middle, or `end` when there is one answer only. */
static size_t middle(const struct program *p, size_t from, size_t end)
{
	size_t half = from + (end - from) / 2, best = end, at = from;

	while ((at = end_of_range(p, at, end)) < end) {
		if (best == end || labs((long)at - (long)half) < labs((long)best - (long)half))
			best = at;
	}
	return best;
}

/* Numbers from `from` to below `end`; each level halves them, so the depth is that of NUMBERS' logarithm. */
static void emit_search(struct program *p, size_t from, size_t end)
{
	size_t split = middle(p, from, end);
	size_t jump;

	if (split == end) {
		emit_return(p, p->answers[from]);
		return;
	}
	emit(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, (uint32_t)split);
	jump = p->len;
	emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_search(p, from, split);
	if (jump < BPF_MAXINSNS)
		p->code[jump].k = (uint32_t)(p->len - jump - 1);
	emit_search(p, split, end);
}

/* Little-endian, which all architectures we resolve are: the lower half comes first. */
static size_t arg_low(int arg)
{
	return offsetof(struct seccomp_data, args) + (size_t)arg * sizeof(uint64_t);
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
	emit_return(p, answer_of(rule->error));
}

static void emit_rule(struct program *p, const struct profile_argument *rule)
{
	int nr = seccomp_number(p->arch, rule->name);
	size_t skip_call, skip_when = 0;

	if (nr < 0)
		return;
	emit_load(p, offsetof(struct seccomp_data, nr));
	skip_call = p->len;
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, (uint32_t)nr);
	if (rule->only_when) {
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

static void emit_rules(struct program *p, const struct profile_argument *rules)
{
	size_t start = p->len;

	for (size_t i = 0; i < start && i < BPF_MAXINSNS; i++) {
		if (p->code[i].code == (BPF_RET | BPF_K) && p->code[i].k == TO_THE_RULES)
			p->code[i] =
				(struct sock_filter){ BPF_JMP | BPF_JA, 0, 0, (uint32_t)(start - i - 1) };
	}
	for (; rules->name; rules++)
		emit_rule(p, rules);
	emit_return(p, SECCOMP_RET_ALLOW);
}

static int compile(uint32_t arch, const struct profile_calls *calls, const struct profile_argument *rules,
		   struct sock_fprog *ret, struct err *e)
{
	AUTO_FREE struct program *p = calloc(1, sizeof(*p));
	struct sock_filter *code;

	if (!p)
		return err_set(e, ERR_IO, errno, "seccomp program");
	p->arch = arch;
	if (answer_calls(p, calls, e) < 0)
		return -1;
	mark_ruled(p, rules);
	emit_head(p);
	emit_search(p, 0, NUMBERS);
	emit_rules(p, rules);
	if (p->len > BPF_MAXINSNS)
		return err_set(e, ERR_UNSUPPORTED, 0, "the seccomp program is longer than the kernel takes");
	code = malloc(p->len * sizeof(*code));
	if (!code)
		return err_set(e, ERR_IO, errno, "seccomp program");
	memcpy(code, p->code, p->len * sizeof(*code));
	*ret = (struct sock_fprog){ .len = (unsigned short)p->len, .filter = code };
	return 0;
}

int seccomp_job_program_for(uint32_t arch, struct sock_fprog *ret, struct err *e)
{
	return compile(arch, profile_job_calls, profile_job_arguments, ret, e);
}

int seccomp_init_program_for(uint32_t arch, struct sock_fprog *ret, struct err *e)
{
	return compile(arch, profile_init_calls, profile_init_arguments, ret, e);
}

int seccomp_job_program(struct sock_fprog *ret, struct err *e)
{
	return seccomp_job_program_for(seccomp_arch_native(), ret, e);
}

int seccomp_init_program(struct sock_fprog *ret, struct err *e)
{
	return seccomp_init_program_for(seccomp_arch_native(), ret, e);
}
