/* SPDX-License-Identifier: MIT */
/* Asking the toolchains, for the verbs that show them. */
#ifndef CMD_LANGUAGES_PROBE_H
#define CMD_LANGUAGES_PROBE_H

#include "cmd/local.h"
#include "lang/lang.h"

/* Sets `available` and `version` of each language by running it in a slot. -1 when the spawner is gone or a
 * signal came. */
int languages_probe(struct local *l, struct lang_table *langs, struct err *e);

#endif
