/* SPDX-License-Identifier: MIT */
/* Which interpreters the spawner keeps started: from the languages' files into its configuration. */
#ifndef CMD_WARM_H
#define CMD_WARM_H

#include "conf/conf.h"
#include "lang/lang.h"
#include "sandbox/config.h"

/* Fills the warm part of a configuration whose `slots` is set, and the languages' warm_index. A language for
 * which there is no room is run cold. */
void warm_configure(struct sandbox_config *c, const struct conf *conf, struct lang_table *langs);

#endif
