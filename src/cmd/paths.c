/* SPDX-License-Identifier: MIT */
#include "cmd/paths.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Only the very directory this was built in counts: an installed program that root runs must not pick up
 * files from a build tree that somebody else may write. */
static bool in_build_tree(void)
{
	static const char built[] = BUILD_ROOT "/src/cmd/";
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0)
		return false;
	exe[n] = '\0';
	return !strncmp(exe, built, sizeof(built) - 1);
}

static char *find(const char *setting, const char *built, const char *installed)
{
	if (setting[0])
		return strdup(setting);
	return strdup(in_build_tree() ? built : installed);
}

char *paths_languages_dir(const struct conf *conf)
{
	return find(conf->languages_dir, SOURCE_ROOT "/languages", LANGUAGES_DIR);
}

char *paths_spawner(const struct conf *conf)
{
	return find(conf->spawner, BUILD_ROOT "/src/sandbox/codecrusher-spawner",
		    LIBEXEC_DIR "/codecrusher-spawner");
}

char *paths_box(const struct conf *conf)
{
	return find(conf->docker_box, BUILD_ROOT "/src/box/codecrusher-box", LIBEXEC_DIR "/codecrusher-box");
}

char *paths_mongo_plugin(void)
{
	return find("", BUILD_ROOT "/src/store/libcodecrusher-mongo.so",
		    LIB_DIR "/codecrusher/libcodecrusher-mongo.so");
}
