/* SPDX-License-Identifier: MIT */
/* Settings: the input's lines are environment variables; after a line "--" they are words of a command line.
 */
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/conf.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static void check(const struct conf *c)
{
	must(c->port >= 0 && c->port <= 65535);
	must(c->concurrency > 0 && c->concurrency <= 1024);
	must(c->defaults.cpu_ms > 0 && c->defaults.cpu_ms <= c->maxima.cpu_ms);
	must(c->compile_defaults.disk_bytes <= c->compile_maxima.disk_bytes);
	must(c->stdin_max <= c->body_max && c->body_max <= c->bodies_max);
	must((c->queue == CONF_BACKEND_REDIS) == (c->store == CONF_BACKEND_MONGO));
	must(c->rootfs[0] == '/' || strcmp(c->rootfs, "host") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = strndup((const char *)data, size);
	char *env[WORDS_MAX + 1] = { NULL }, *argv[WORDS_MAX + 1] = { NULL };
	int n_env = 0, argc = 0, before;
	bool words = false;
	char *rest = text, *line;
	struct conf c;
	struct err e = { 0 };

	while ((line = strsep(&rest, "\n"))) {
		if (!words && strcmp(line, "--") == 0)
			words = true;
		else if (words && argc < WORDS_MAX)
			argv[argc++] = line;
		else if (!words && n_env < WORDS_MAX)
			env[n_env++] = line;
	}
	before = argc;
	if (conf_load(&c, env, &argc, argv, &e) < 0) {
		must(e.kind == ERR_INVALID && e.msg[0] != '\0');
		return 0;
	}
	must(argc <= before && !argv[argc]);
	check(&c);
	conf_done(&c);
	return 0;
}
