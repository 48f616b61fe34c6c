/* SPDX-License-Identifier: MIT */
#include "conf/conf.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/table.h"

#define PREFIX	     "CODECRUSHER_"
#define PREFIX_LEN   (sizeof(PREFIX) - 1)
#define SETTINGS_MAX 128

/* The settings while they are read, and which of them somebody gave. */
struct load {
	struct conf *c;
	bool given[SETTINGS_MAX];
	struct err *e;
};

static bool is_given(const struct load *l, const struct setting *s)
{
	return l->given[s - settings];
}

static int set(struct load *l, const struct setting *s, const char *called, const char *text)
{
	l->given[s - settings] = true;
	return setting_set(l->c, s, called, text, l->e);
}

static int set_defaults(struct load *l)
{
	assert(n_settings <= SETTINGS_MAX);
	for (size_t i = 0; i < n_settings; i++) {
		const struct setting *s = &settings[i];

		if (!setting_is_heading(s) && setting_set(l->c, s, s->name, s->value, l->e) < 0)
			return -1;
	}
	return 0;
}

/* ---- the environment ---- */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must be put in, left out or changed to make `b` of `a` (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	size_t row[64], n = smaller(strlen(b), 63);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; i < 63 && a[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t changed = corner + (a[i] != b[j]);

			corner = row[j + 1];
			row[j + 1] = smaller(changed, smaller(row[j], row[j + 1]) + 1);
		}
	}
	return row[n];
}

static int unknown_variable(const char *name, size_t len, struct err *e)
{
	const struct setting *nearest = NULL;
	size_t best = SIZE_MAX;
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)smaller(len, sizeof(text) - 1), name);
	for (size_t i = 0; i < n_settings; i++) {
		size_t d = setting_is_heading(&settings[i]) ? SIZE_MAX
							    : distance(text + PREFIX_LEN, settings[i].name);

		if (d < best) {
			best = d;
			nearest = &settings[i];
		}
	}
	assert(nearest);
	return err_field(e, ERR_INVALID, text,
			 "there is no setting %s; the nearest is %s%s (--help and docs/settings.md list all)",
			 text, setting_prefix(nearest), nearest->name);
}

/* Kubernetes gives every container CODECRUSHER_PORT… and CODECRUSHER_SERVICE_… when a Service has our name.
 */
static bool is_from_kubernetes(const char *name)
{
	return strncmp(name, PREFIX "PORT", PREFIX_LEN + 4) == 0 ||
	       strncmp(name, PREFIX "SERVICE_", PREFIX_LEN + 8) == 0;
}

static const struct setting *find_variable(const char *name, size_t len)
{
	for (size_t i = 0; i < n_settings; i++) {
		const char *prefix = setting_prefix(&settings[i]);
		size_t n = strlen(prefix);

		if (!setting_is_heading(&settings[i]) && len == n + strlen(settings[i].name) &&
		    memcmp(name, prefix, n) == 0 && memcmp(name + n, settings[i].name, len - n) == 0)
			return &settings[i];
	}
	return NULL;
}

static int read_variable(struct load *l, const char *variable)
{
	const char *equals = strchr(variable, '=');
	const struct setting *s;
	char called[64];

	/* Not ours to complain about: the environment is full of other people's things. */
	if (!equals)
		return 0;
	s = find_variable(variable, (size_t)(equals - variable));
	if (!s) {
		if (strncmp(variable, PREFIX, PREFIX_LEN) != 0 || is_from_kubernetes(variable))
			return 0;
		return unknown_variable(variable, (size_t)(equals - variable), l->e);
	}
	/* Compose files pass variables on that nobody has set: empty is the same as absent. */
	if (equals[1] == '\0')
		return 0;
	snprintf(called, sizeof(called), "%s%s", setting_prefix(s), s->name);
	return set(l, s, called, equals + 1);
}

/* ---- flags ---- */

static const struct setting *find_flag(const char *word, size_t len)
{
	for (size_t i = 0; i < n_settings; i++) {
		const char *flag;

		if (setting_is_heading(&settings[i]))
			continue;
		flag = setting_flag(&settings[i]);
		if (strlen(flag) == len && memcmp(flag, word, len) == 0)
			return &settings[i];
	}
	return NULL;
}

/* Takes the flag at *at, if it is one of ours. -1 failed, 0 not ours, 1 taken (*at is its last word). */
static int read_flag(struct load *l, int argc, char *argv[], int *at)
{
	char *word = argv[*at];
	size_t len = strcspn(word, "=");
	const struct setting *s = find_flag(word, len);
	const char *value;
	char called[64];

	if (!s)
		return 0;
	snprintf(called, sizeof(called), "%s", setting_flag(s));
	if (word[len] == '=') {
		value = word + len + 1;
	} else {
		if (*at + 1 >= argc)
			return err_field(l->e, ERR_INVALID, s->name, "%s needs a value", called);
		value = argv[++*at];
	}
	return set(l, s, called, value) < 0 ? -1 : 1;
}

static int read_flags(struct load *l, int *argc, char *argv[])
{
	int kept = 0, at = 0;

	for (; at < *argc && strcmp(argv[at], "--") != 0; at++) {
		char *word = argv[at];
		int status = read_flag(l, *argc, argv, &at);

		if (status < 0)
			return -1;
		if (status == 0)
			argv[kept++] = word;
	}
	while (at < *argc)
		argv[kept++] = argv[at++];
	if (kept < *argc)
		argv[kept] = NULL;
	*argc = kept;
	return 0;
}

/* ---- what settings mean for each other ---- */

static int check_backends(struct load *l)
{
	struct conf *c = l->c;
	bool redis, mongo;

	if (!is_given(l, setting_find("QUEUE")) && *c->redis_url)
		c->queue = CONF_BACKEND_REDIS;
	if (!is_given(l, setting_find("STORE")) && *c->mongo_url)
		c->store = CONF_BACKEND_MONGO;
	redis = c->queue == CONF_BACKEND_REDIS;
	mongo = c->store == CONF_BACKEND_MONGO;
	if (redis && !*c->redis_url)
		return err_field(l->e, ERR_INVALID, "REDIS_URL",
				 "the queue is redis, so REDIS_URL must say where it is");
	if (mongo && !*c->mongo_url)
		return err_field(l->e, ERR_INVALID, "MONGO_URL",
				 "the store is mongo, so MONGO_URL must say where it is");
	if (redis && !mongo)
		return err_field(
			l->e, ERR_INVALID, "STORE",
			"the queue is redis but the store is sqlite: set MONGO_URL as well, or leave out "
			"REDIS_URL to use the embedded pair");
	if (mongo && !redis)
		return err_field(
			l->e, ERR_INVALID, "QUEUE",
			"the store is mongo but the queue is sqlite: set REDIS_URL as well, or leave out "
			"MONGO_URL to use the embedded pair");
	return 0;
}

/*
 * Holds `low` under `high`. A value that somebody gave is refused; one that nobody gave follows, so that
 * lowering a maximum is one setting and not two.
 */
static int check_order(struct load *l, const char *low_name, const char *high_name)
{
	const struct setting *low = setting_find(low_name), *high = setting_find(high_name);
	int64_t low_value = setting_number(l->c, low), high_value = setting_number(l->c, high);

	if (low_value <= high_value)
		return 0;
	if (is_given(l, low))
		return err_field(l->e, ERR_INVALID, low->name,
				 "%s%s (%" PRId64 ") is over %s%s (%" PRId64
				 "); lower the first or raise the second",
				 setting_prefix(low), low->name, low_value, setting_prefix(high), high->name,
				 high_value);
	*(int64_t *)(void *)((char *)l->c + low->offset) = high_value;
	return 0;
}

static int check_limits(struct load *l)
{
	static const char *const limits[] = { "CPU_MS",	      "WALL_MS",    "MEMORY_BYTES", "PROCESSES",
					      "OUTPUT_BYTES", "FILE_BYTES", "DISK_BYTES" };

	/* A file may fill the disk: whoever sets only the disk means both. */
	if (is_given(l, setting_find("LIMIT_DISK_BYTES")) && !is_given(l, setting_find("LIMIT_FILE_BYTES")))
		l->c->defaults.file_bytes = l->c->defaults.disk_bytes;
	if (is_given(l, setting_find("COMPILE_LIMIT_DISK_BYTES")) &&
	    !is_given(l, setting_find("COMPILE_LIMIT_FILE_BYTES")))
		l->c->compile_defaults.file_bytes = l->c->compile_defaults.disk_bytes;
	for (size_t i = 0; i < 2 * sizeof(limits) / sizeof(limits[0]); i++) {
		const char *prefix = i % 2 ? "COMPILE_" : "";
		char low[64], high[64];

		snprintf(low, sizeof(low), "%sLIMIT_%s", prefix, limits[i / 2]);
		snprintf(high, sizeof(high), "%sLIMIT_%s_MAX", prefix, limits[i / 2]);
		if (check_order(l, low, high) < 0)
			return -1;
	}
	return 0;
}

static int64_t online_cpus(void)
{
	cpu_set_t set;

	/* Fails where the machine has more CPUs than a cpu_set_t; then they are surely all ours. */
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return sysconf(_SC_NPROCESSORS_ONLN);
	return CPU_COUNT(&set);
}

static int settle(struct load *l)
{
	if (l->c->concurrency == 0)
		l->c->concurrency = online_cpus();
	if (check_backends(l) < 0 || check_order(l, "BODY_MAX", "BODIES_MAX") < 0 ||
	    check_order(l, "SOURCE_MAX", "BODY_MAX") < 0 || check_order(l, "STDIN_MAX", "BODY_MAX") < 0)
		return -1;
	return check_limits(l);
}

static int load_all(struct load *l, char *const env[], int *argc, char *argv[])
{
	if (set_defaults(l) < 0)
		return -1;
	for (size_t i = 0; env && env[i]; i++) {
		if (read_variable(l, env[i]) < 0)
			return -1;
	}
	if (argc && read_flags(l, argc, argv) < 0)
		return -1;
	return settle(l);
}

int conf_load(struct conf *c, char *const env[], int *argc, char *argv[], struct err *e)
{
	struct load l = { .c = c, .e = e };

	*c = (struct conf){ 0 };
	if (load_all(&l, env, argc, argv) == 0)
		return 0;
	conf_done(c);
	return -1;
}

void conf_done(struct conf *c)
{
	for (size_t i = 0; i < n_settings; i++) {
		if (!setting_is_heading(&settings[i]) && settings[i].kind >= SETTING_TEXT)
			free(*(char **)(void *)((char *)c + settings[i].offset));
	}
	*c = (struct conf){ 0 };
}
