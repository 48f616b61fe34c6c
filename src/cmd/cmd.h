/* SPDX-License-Identifier: MIT */
/*
 * The command line: verbs, exit codes, and how a verb says what went wrong. One file per verb, all of them in
 * the table of main.c.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"

/* Exit codes of every verb but `run`, whose own are in cmd/run_args.h. */
enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_FAILED = 1,
	EXIT_CODE_USAGE = 2,
	EXIT_CODE_CONFIG = 78, /* sysexits' EX_CONFIG: a setting, or the host, must be changed first */
};

/* `argv` holds the words after the verb, NULL-terminated. The return value is the exit status. */
typedef int cmd_fn(int argc, char *argv[]);

cmd_fn cmd_serve, cmd_server, cmd_worker, cmd_run, cmd_languages, cmd_doctor, cmd_key, cmd_version;

/* "codecrusher: <text>" on standard error, one line. Returns `code`, so that `return cmd_fail(...)` is the
 * whole error path. */
int cmd_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/* Reads settings for a verb that takes no words of its own beyond flags: EXIT_CODE_OK, or the exit code after
 * the error was told. `conf` is loaded only on success. */
int cmd_load_conf(const char *verb, int argc, char *argv[], struct conf *conf);

/* For verbs whose output is not a log: sets up logging for errors and our own warnings, unless another level
 * was asked for. */
void cmd_be_quiet(struct conf *conf);

#endif
