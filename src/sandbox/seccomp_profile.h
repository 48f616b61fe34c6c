/* SPDX-License-Identifier: MIT */
/*
 * What the program may ask of the kernel, as data: one table of calls, one of arguments, each line with its
 * reason. seccomp_filter.c makes filters of them.
 *
 * Calls in no list get ENOSYS, so that a program (or libc) written for a newer kernel falls back; known calls
 * that are refused get EPERM, as an unprivileged user would see it; nothing is killed but a foreign
 * architecture, whose calls have other numbers.
 */
#ifndef SANDBOX_SECCOMP_PROFILE_H
#define SANDBOX_SECCOMP_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

struct profile_calls {
	const char *names; /* separated by spaces; names that an architecture lacks are skipped there */
	int error;	   /* 0: allowed; ENOSYS is the same as in no list, said with its reason */
	const char *why;
};

/* How an argument of an allowed call decides. The kernel takes these arguments as 32 bits, so only the lower
 * half is compared: dirt in the upper half changes nothing. */
enum profile_test {
	REFUSE_VALUES, /* one of `values` */
	REFUSE_OTHERS, /* none of `values` */
	REFUSE_BITS,   /* any bit of values[0] */
	REFUSE_SET,    /* not 0, compared with all 64 bits: a pointer */
};

#define PROFILE_VALUES_MAX 4

struct profile_argument {
	const char *name;
	int arg;
	enum profile_test test;
	uint32_t values[PROFILE_VALUES_MAX];
	int n_values;
	bool only_when; /* the rule counts only if argument `when_arg` equals `when_value` */
	int when_arg;
	uint32_t when_value;
	int error; /* 0: skipped, but told as done */
	const char *why;
};

/* A call that the libseccomp of a supported distribution may not know yet. Such calls have one number on all
 * architectures, so that the filter is the same whatever it was built with. */
struct profile_number {
	const char *name;
	int number;
};

/* Each list ends with an entry without names. */
extern const struct profile_calls profile_job_calls[];
extern const struct profile_argument profile_job_arguments[];
extern const struct profile_calls profile_init_calls[];
extern const struct profile_argument profile_init_arguments[];
extern const struct profile_number profile_numbers[];

#endif
