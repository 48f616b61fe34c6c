/* SPDX-License-Identifier: MIT */
/* Which pair of queue and store an engine opens, by the settings. */
#ifndef CMD_ENGINE_FLOW_H
#define CMD_ENGINE_FLOW_H

#include "cmd/engine.h"
#include "job/submission.h"

struct event_base;
struct flow;

/* While still root, if it is: what the store needs of files that only root may be able to reach. An open
 * descriptor, or 0 when nothing is needed or it is not there (engine_open_flow says so then). */
int engine_open_plugin(const struct conf *c);

/* `plugin` is engine_open_plugin's, borrowed. `languages` as in struct flow_redis_options. `policy` is filled
 * in and must outlive the flow. */
struct flow *engine_open_flow(struct event_base *base, const struct engine_setup *setup, int plugin,
			      struct submission_policy *policy,
			      void (*languages)(const char *const *versions, void *arg), void *arg,
			      struct err *e);

#endif
