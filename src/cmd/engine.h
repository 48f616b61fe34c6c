/* SPDX-License-Identifier: MIT */
/*
 * The engine: everything that meets the outside, in one unprivileged process: HTTP and API, queue and store,
 * worker and executor. It is forked, not exec'ed, so that what only root can read is already in its memory.
 */
#ifndef CMD_ENGINE_H
#define CMD_ENGINE_H

#include <stdbool.h>
#include <sys/types.h>

#include "cmd/compile_dirs.h"
#include "cmd/privileges.h"
#include "conf/conf.h"
#include "lang/lang.h"

struct engine_setup {
	const struct conf *conf;
	struct lang_table *langs;
	struct account account;
	unsigned slots;
	bool serves; /* HTTP and API */
	bool works;  /* takes jobs and runs them */
	char *box;   /* of the Docker executor (docker_options.box); NULL: programs run in native slots */
	struct compile_dirs compile;
	int listener; /* -1 when it does not serve; bound and listening, non-blocking; shared with the engines
			 before and after */
};

/*
 * In the forked child: drops root, then serves until SIGTERM, or SIGUSR1, which leaves running jobs all their
 * time. `spawner` is its socket to the first spawner
 * (-1: there is none), over `control` come the sockets to later ones (control.h); both are taken over.
 * Returns the exit status: EXIT_CODE_OK after an orderly shutdown, EXIT_CODE_CONFIG when it could not start.
 */
int engine_main(const struct engine_setup *setup, int spawner, int control, pid_t parent);

#endif
