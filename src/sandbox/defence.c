/* SPDX-License-Identifier: MIT */
/* Only in builds for tests: see defence.h and meson_options.txt. */
#include "sandbox/defence.h"

#ifdef CODECRUSHER_WITHOUT_DEFENCE

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static const struct {
	const char *name, *what;
} defences[] = {
#define DEFENCE_NAME(symbol, name, what) { name, what },
	DEFENCES(DEFENCE_NAME)
#undef DEFENCE_NAME
};

#define COUNT (sizeof(defences) / sizeof(defences[0]))

static int off = -1;

bool defence_is_off(enum defence d)
{
	return off == (int)d;
}

static int open_beside_program(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n < 0)
		return -1;
	path[n] = '\0';
	slash = strrchr(path, '/');
	snprintf(slash, sizeof(path) - (size_t)(slash - path), "/without");
	return open(path, O_RDONLY | O_CLOEXEC);
}

int defence_setup(struct err *e)
{
	AUTO_CLOSE int fd = open_beside_program();
	char name[64];
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return 0;
	n = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);
	if (n < 0)
		return err_set(e, ERR_IO, errno, "read which defence is off");
	name[n] = '\0';
	name[strcspn(name, "\n")] = '\0';
	for (size_t i = 0; i < COUNT; i++) {
		if (strcmp(defences[i].name, name) == 0)
			off = (int)i;
	}
	return off < 0 ? err_set(e, ERR_INVALID, 0, "\"%s\" is no defence", name) : 0;
}

void defence_print(void)
{
	for (size_t i = 0; i < COUNT; i++)
		printf("%s\t%s\n", defences[i].name, defences[i].what);
}

#endif
