/* SPDX-License-Identifier: MIT */
/* What a measurement costs beside time. */
#ifndef BENCH_BUSY_H
#define BENCH_BUSY_H

#include <sys/types.h>

/* Milliseconds that all cores were busy since the start of the machine, less what this process was itself:
 * the difference of two calls is what everything but the load generator used. Ends the program on errors. */
double busy_ms(void);

/* Memory of the process and all below it in KiB, each page divided among those that share it (PSS). What ends
 * meanwhile is left out. */
long tree_pss_kib(pid_t pid);

#endif
