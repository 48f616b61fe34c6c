/* SPDX-License-Identifier: MIT */
/*
 * The monitor: root, and therefore nearly nothing. It starts the engine and the spawner, starts them again
 * when they die (with a growing pause), passes SIGTERM on, and reads no byte from anyone.
 *
 * A dead spawner is replaced alone, and the engine gets the new one's socket. A dead engine takes its spawner
 * along (its socket ends), and both start anew. The listening socket stays open in the monitor all the while:
 * clients wait in its backlog instead of being refused.
 */
#ifndef CMD_MONITOR_H
#define CMD_MONITOR_H

#include "cmd/engine.h"
#include "cmd/spawning.h"

/* `spawning` is NULL where nothing runs in native slots: then there is only an engine. Runs until SIGTERM or
 * SIGINT. The exit status: EXIT_CODE_OK, or the status of a first start that failed. */
int monitor_run(const struct engine_setup *setup, const struct spawning *spawning);

#endif
