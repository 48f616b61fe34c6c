/* SPDX-License-Identifier: MIT */
/* Starting the spawner: its authority is written down once, then any number of them can be started. */
#ifndef CMD_SPAWNING_H
#define CMD_SPAWNING_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "cmd/rootless.h"
#include "conf/conf.h"
#include "lang/lang.h"

/* The program is held open, so that an upgrade under a running server does not pair an old engine with a new
 * spawner. */
struct spawning {
	int binary;
	int config; /* sealed memfd with struct sandbox_config */
	struct rootless rootless;
};

/* Programs at once when the setting leaves it open: one per usable core. */
unsigned spawning_default_slots(void);

/* "pids,cpu" to the bits of enum sandbox_weakness. -1 names the unknown word. */
int spawning_parse_weaknesses(const char *text, uint32_t *ret_bits, struct err *e);

/* Finds and opens the program, writes its configuration. Warns when others than root could change it. Of
 * `langs` (NULL: none) those that their files mark are kept warm, and learn their warm_index. `headers`: a
 * directory that slots see at SANDBOX_HEADERS, or NULL. */
int spawning_prepare(struct spawning *s, const struct conf *conf, unsigned slots, struct lang_table *langs,
		     const char *headers, struct err *e);
void spawning_done(const struct spawning *s);

/* Starts one, connected to *ret_engine_end (SOCK_SEQPACKET, non-blocking, close-on-exec). Its pid, or -1. */
pid_t spawning_start(const struct spawning *s, int *ret_engine_end, struct err *e);

/* `codecrusher-spawner --probe`, its answer readable at *ret_out. Its pid, or -1. */
pid_t spawning_probe(const struct spawning *s, int *ret_out, struct err *e);

#endif
