/* SPDX-License-Identifier: MIT */
#include "store/mongo.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/mongo_plugin.h"

/* What a newer build no longer has, or an older one has not yet, is the same to the user. */
static int check_version(void *library, const char *path, struct err *e)
{
	const char *version = dlsym(library, "codecrusher_mongo_version");

	if (version && !strcmp(version, CODECRUSHER_VERSION))
		return 0;
	return err_set(e, ERR_UNSUPPORTED, 0,
		       "%s is of another version than this program: install both from one package.", path);
}

/* Never unloaded: the driver has thread-local data with destructors in it. */
static void *load(const char *path, int fd, struct err *e)
{
	char opened[32];
	void *library;

	snprintf(opened, sizeof(opened), "/proc/self/fd/%d", fd);
	if (fd == 0 && access(path, R_OK) < 0) {
		err_set(e, ERR_UNSUPPORTED, errno, "MongoDB support is not installed: %s", path);
		return NULL;
	}
	/* The driver counts in shared memory, for a tool of its own. A process that is killed leaves that
	 * behind, and the next with its number and another user complains, in a form that is not our log's.
	 */
	(void)setenv("MONGOC_DISABLE_SHM", "1", 1);
	library = dlopen(fd > 0 ? opened : path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!library) {
		err_set(e, ERR_UNSUPPORTED, 0,
			"MongoDB support cannot be loaded (its driver comes with the package "
			"libmongoc-1.0-0): %s",
			dlerror());
		return NULL;
	}
	return check_version(library, path, e) < 0 ? NULL : library;
}

struct store *store_mongo_open(struct event_base *base, const struct store_mongo_options *options,
			       struct err *e)
{
	void *library = load(options->plugin, options->plugin_fd, e);
	__typeof__(codecrusher_mongo_open) *open_it;

	if (!library)
		return NULL;
	*(void **)&open_it = dlsym(library, "codecrusher_mongo_open");
	if (!open_it) {
		err_set(e, ERR_UNSUPPORTED, 0, "%s is not what this program needs: install it again.",
			options->plugin);
		return NULL;
	}
	return open_it(base, options, e);
}
