/* SPDX-License-Identifier: MIT */
/* Filters from the profile's data, for this machine or another. See seccomp_profile.h. */
#ifndef SANDBOX_SECCOMP_FILTER_H
#define SANDBOX_SECCOMP_FILTER_H

#include <stdint.h>

#include "base/err.h"

struct sock_fprog;

/*
 * The program's filter, and init's after the program was forked. 0, or -1 with the reason. The filters live
 * as long as the process.
 */
int seccomp_job_program(struct sock_fprog *ret, struct err *e);
int seccomp_init_program(struct sock_fprog *ret, struct err *e);

/* The same for an architecture by its AUDIT_ARCH number (which libseccomp's tokens are, too); little-endian
 * ones only. */
int seccomp_job_program_for(uint32_t arch, struct sock_fprog *ret, struct err *e);
int seccomp_init_program_for(uint32_t arch, struct sock_fprog *ret, struct err *e);

/* A call's number there, or -1 when that architecture has none of this name. */
int seccomp_number(uint32_t arch, const char *name);

#endif
