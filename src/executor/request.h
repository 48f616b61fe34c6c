/* SPDX-License-Identifier: MIT */
/* What every executor does with what it is asked for. */
#ifndef EXECUTOR_REQUEST_H
#define EXECUTOR_REQUEST_H

#include <stdbool.h>

#include "executor/executor.h"

/* The request as sandbox/spec.h has it: a sealed memfd, which the caller closes. -1 as spec_memfd. */
int request_spec(const struct exec_spec *spec, struct err *e);

/* Whether a file set has no files: a pattern that nothing matched is no artifact. */
bool request_set_is_empty(int fd);

#endif
