/* SPDX-License-Identifier: MIT */
/* For tests: a real redis-server on a free loopback port, its directory, and a plain connection to look into
 * it. */
#ifndef QUEUE_REDIS_RIG_H
#define QUEUE_REDIS_RIG_H

#include <hiredis/hiredis.h>
#include <sys/types.h>

struct redis_rig {
	pid_t pid;
	int port;
	char dir[64];
	char url[64];
	redisContext *c;
};

/* Both wait until it answers. */
void redis_rig_start(struct redis_rig *r);
void redis_rig_restart(struct redis_rig *r);
/* Ends the server; its directory stays. */
void redis_rig_kill(struct redis_rig *r);
void redis_rig_done(struct redis_rig *r);

/* A command, as printf has it; an answer that is an error fails the test. The text is valid until the next
 * call; a number is its digits, a list is joined by spaces, nil is "". */
const char *redis_rig_ask(struct redis_rig *r, const char *fmt, ...);

#endif
