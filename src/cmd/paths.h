/* SPDX-License-Identifier: MIT */
/* Where the program's own parts are: beside it in a build tree, else where it was installed. */
#ifndef CMD_PATHS_H
#define CMD_PATHS_H

#include "conf/conf.h"

/* Each is the setting's value when there is one. The string is the caller's; NULL when memory is short. */
char *paths_languages_dir(const struct conf *conf);
char *paths_spawner(const struct conf *conf);
char *paths_box(const struct conf *conf);
/* The library that talks to MongoDB. */
char *paths_mongo_plugin(void);

#endif
