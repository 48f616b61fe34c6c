/* SPDX-License-Identifier: MIT */
/* Which pair of queue and store an engine opens, by the settings. */
#ifndef CMD_ENGINE_FLOW_H
#define CMD_ENGINE_FLOW_H

#include "cmd/engine.h"
#include "job/submission.h"

struct event_base;
struct flow;

/* `languages` as in struct flow_redis_options. `policy` is filled in and must outlive the flow. */
struct flow *engine_open_flow(struct event_base *base, const struct engine_setup *setup,
			      struct submission_policy *policy,
			      void (*languages)(const char *const *versions, void *arg), void *arg,
			      struct err *e);

#endif
