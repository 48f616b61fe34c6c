/* SPDX-License-Identifier: MIT */
/*
 * The baseline: a program started by posix_spawn from this small process, with the environment a slot gives
 * it and a directory of its own, its output read to the end. Nothing isolates it.
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stddef.h>

/* Makes a temporary directory with the file in it and changes into it; removed at exit by bare_cleanup. */
void bare_enter_directory(void);
void bare_write_file(const char *name, const char *text);
void bare_cleanup(void);

/* Runs argv (argv[0] searched in /usr/local/bin:/usr/bin:/bin) to its end. Ends the program unless the exit
 * status is 0 and stdout is `expect`. */
void bare_run(const char *const *argv, const char *expect);

#endif
