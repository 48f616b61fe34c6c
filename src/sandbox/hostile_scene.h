/* SPDX-License-Identifier: MIT */
/* The live spawner before an engine that was taken over, and what is looked at from outside; for the tests
 * hostile*_test.c. Failing calls fail the test. Needs root; CODECRUSHER_SPAWNER names the binary. */
#ifndef SANDBOX_HOSTILE_SCENE_H
#define SANDBOX_HOSTILE_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/unit.h"
#include "sandbox/spawner_rig.h"

#define SCENE_SLOTS	2
#define SCENE_POSITIONS (SCENE_SLOTS * 2 + 2)

/* Of a run that needs nothing special. */
extern const struct sandbox_limits scene_limits;

/* Starts a spawner that logs little, and waits for every slot. The caller ends it with scene_stop. */
void scene_start(struct rig *r);
/* The same, and returns how many descriptors it holds after a run, with every slot ready again. The caller
 * ends it with scene_stop_at_rest, or scene_stop. */
int scene_start_at_rest(struct rig *r);
/* Ends it, and its status has to be 0. */
void scene_stop(struct rig *r);
/* It still serves a run, and with every slot ready holds as many descriptors as `before`; then scene_stop. */
void scene_stop_at_rest(struct rig *r, int before);

/* Calls `look` with the pid of each child of the spawner, as text that lasts as long as the call. Returns
 * their number. */
int scene_each_child(const struct rig *r, void (*look)(const struct rig *r, const char *pid));
/* Each child of the spawner is one of its helpers or in a slot, and there are not too many. */
void scene_nothing_runs_outside(const struct rig *r);
/* With every slot ready the spawner holds the same descriptors, whatever came before. It closes those that it
 * was sent beside its work, so this waits for it. */
void scene_holds_as_many_as(const struct rig *r, int before);
/* A run as anybody's: it is served, with the output and the status it should have, and inside a slot. */
void scene_canary(struct rig *r);

/* Sends a run with these descriptors, which stay the caller's; does not wait. Returns its id. */
uint64_t scene_send_run(struct rig *r, uint32_t flags, const struct sandbox_limits *limits, const int *fds,
			size_t n);

/* Ends what a test that failed half-way left running, which would make those after it fail too. */
int scene_end_leftovers(void **state);
/* For main: false when not root, as it says on stderr. A name in argv[1] makes that test the only one. */
bool scene_can_run(int argc, char **argv);

/* As T of base/unit.h, with that afterwards. */
#define U(name) cmocka_unit_test_teardown(name, scene_end_leftovers)

#endif
