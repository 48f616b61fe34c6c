/* SPDX-License-Identifier: MIT */
/* What `run` reads as root, on behalf of whoever typed it, before root is given up. */
#ifndef CMD_RUN_INPUT_H
#define CMD_RUN_INPUT_H

#include "cmd/run_args.h"
#include "conf/conf.h"
#include "job/job.h"
#include "lang/lang.h"

/* Which language the words ask for. NULL with a sentence. */
const struct lang *run_choose_language(const struct lang_table *langs, const struct run_args *args,
				       struct err *e);

/* The file, the arguments and the resolved limits as a submission. NULL with a sentence. */
struct submission *run_read_submission(const struct run_args *args, const struct lang *lang,
				       const struct conf *conf, struct err *e);

/* All of the program's standard input in a sealed memfd. -1 with *ret_empty: there is none; -1 without: a
 * sentence. */
int run_read_stdin(const struct run_args *args, bool *ret_empty, struct err *e);

#endif
