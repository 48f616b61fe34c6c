/* SPDX-License-Identifier: MIT */
/* The words of `codecrusher run`, and how the end of a program becomes an exit status. Pure. */
#ifndef CMD_RUN_ARGS_H
#define CMD_RUN_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "job/job.h"

/* Exit statuses of `run` that are not the program's own. The first two are timeout(1)'s. */
enum run_exit {
	RUN_EXIT_OUTPUT_LIMIT = 123,
	RUN_EXIT_TIME_LIMIT = 124,
	RUN_EXIT_FAILED = 125,	      /* codecrusher itself: usage, settings, the host */
	RUN_EXIT_COMPILE_ERROR = 126, /* the compiler's words are on standard error */
	RUN_EXIT_NOT_STARTED = 127,   /* the interpreter or program could not be executed */
	RUN_EXIT_SIGNAL = 128,	      /* plus the signal's number */
	RUN_EXIT_MEMORY_LIMIT = 137,  /* what a shell shows after the kernel's out-of-memory kill */
};

/* Everything but the two arrays points into argv. */
struct run_args {
	const char *file;
	const char *stdin_path; /* NULL: our own standard input */
	const char *language;	/* NULL: by the file's extension */
	bool summary;
	struct limits limits; /* 0: not given */
	const char **flags;   /* compiler flags, NULL-terminated; the array is ours */
	size_t n_flags;
	const char **args; /* the program's, NULL-terminated; the array is ours */
	size_t n_args;
};

/* Reads the words that the settings' flags left over. 0, or -1 with a sentence; run_args_done is needed after
 * success only. */
int run_args_parse(int argc, char *const argv[], struct run_args *ret_args, struct err *e);
void run_args_done(struct run_args *a);

/* "1500" or, with a binary suffix, "64K", "256M", "1G". 0, or -1: no positive number, or too large. */
int run_parse_amount(const char *text, int64_t *ret_amount);

/* The exit status for how a run step ended. */
int run_exit_status(enum verdict v, int exit_code, int signal);

#endif
