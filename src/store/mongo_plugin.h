/* SPDX-License-Identifier: MIT */
/* What the program looks for in libcodecrusher-mongo.so. */
#ifndef STORE_MONGO_PLUGIN_H
#define STORE_MONGO_PLUGIN_H

#include "store/mongo.h"

/* CODECRUSHER_VERSION of the library's build: structures are shared, so only the very same will do. */
extern const char codecrusher_mongo_version[];
/* store_mongo_open without the loading. */
struct store *codecrusher_mongo_open(struct event_base *base, const struct store_mongo_options *options,
				     struct err *e);

#endif
