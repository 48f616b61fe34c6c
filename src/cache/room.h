/* SPDX-License-Identifier: MIT */
/* Whether a disk has room for what can be made again: the queue and its results are on the same one. */
#ifndef CACHE_ROOM_H
#define CACHE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

/* Whether `bytes` more leave a tenth of the file system free, or 256 MiB if that is less. `dir` is a
 * descriptor of any directory in it. */
bool room_for(int dir, int64_t bytes);

#endif
