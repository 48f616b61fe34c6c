/* SPDX-License-Identifier: MIT */
/* API_KEYS_FILE is opened by whoever is still root, at each start of an engine and at SIGHUP, and read by the
 * engine (api/door.h), which is not: the file need not be readable by anybody else, and root parses nothing.
 */
#ifndef CMD_KEYS_FILE_H
#define CMD_KEYS_FILE_H

#include "base/err.h"

/* A regular file that not everybody may write. Close-on-exec; the caller's. -1 with a sentence. */
int keys_file_open(const char *path, struct err *e);

#endif
