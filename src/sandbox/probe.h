/* SPDX-License-Identifier: MIT */
/*
 * What this host can and cannot isolate. The same checks serve `doctor` and the spawner's own start, which
 * refuses when something is missing.
 */
#ifndef SANDBOX_PROBE_H
#define SANDBOX_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/config.h"

enum probe_state {
	PROBE_OK,
	PROBE_WEAK,    /* it works, and protects less than it could */
	PROBE_MISSING, /* the spawner does not start */
};

struct probe_item {
	char name[24];
	enum probe_state state;
	uint32_t weakness; /* enum sandbox_weakness that accepts it, or 0 */
	char what[200];	   /* what was found */
	char advice[320];  /* what follows from it and what to do; "" when nothing */
};

#define PROBE_MAX 48

struct probe {
	struct probe_item items[PROBE_MAX];
	size_t n;
};

/* Without a configuration the defaults are checked and no weakness is accepted. Forks short-lived children.
 */
void probe_run(const struct sandbox_config *config, struct probe *ret);

/* The accepted weaknesses that are in effect. */
uint32_t probe_weak(const struct probe *p);
/* 0, or -1 with ERR_UNSUPPORTED and the first thing that is missing. */
int probe_verdict(const struct probe *p, struct err *e);

/* One line an item: name, state, what, advice, parted by tabs. */
void probe_print(const struct probe *p);

#endif
