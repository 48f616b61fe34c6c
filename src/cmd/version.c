/* SPDX-License-Identifier: MIT */
#include <event2/event.h>
#include <jansson.h>
#include <seccomp.h>
#include <sqlite3.h>
#include <stdio.h>

#include "cmd/cmd.h"

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "GCC " __VERSION__
#endif

int cmd_version(int argc, char *argv[])
{
	const struct scmp_version *seccomp = seccomp_version();

	if (argc > 0)
		return cmd_fail(EXIT_CODE_USAGE, "version takes no words: \"%s\"", argv[0]);
	printf("codecrusher %s (%s, %s)\n", CODECRUSHER_VERSION, BUILD_TYPE, COMPILER);
	printf("sqlite %s, libevent %s, libseccomp %u.%u.%u, jansson %s\n", sqlite3_libversion(),
	       event_get_version(), seccomp->major, seccomp->minor, seccomp->micro, jansson_version_str());
	return EXIT_CODE_OK;
}
