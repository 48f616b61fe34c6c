/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include "sandbox/inside.h"
#include "sandbox/spec_reader.h"

/* What the reader's bound allows, and ours. */
#define ENV_MAX	    (SPEC_STRINGS_MAX + JOB_ENV_OWN_MAX + 8)

#define TABLE_MAX   32768 /* a power of two, well above ENV_MAX: there is always a free place */
#define FNV_OFFSET  2166136261u
#define FNV_PRIME   16777619u
#define INDEX_EMPTY 0

/* No leak check under AddressSanitizer: it needs ptrace, which the filter refuses, and every sanitized
 * program would end with an error. */
static char base[][40] = { "HOME=/box", "TMPDIR=/tmp", PROGRAM_PATH_VARIABLE, "LANG=C.UTF-8",
			   "ASAN_OPTIONS=detect_leaks=0" };

static char *list[ENV_MAX + 1];
static uint32_t n_list;
static uint16_t table[TABLE_MAX]; /* index into `list` plus one */
static uint32_t table_size;	  /* as much of it as is used: few variables are to touch few pages */

static size_t name_len(const char *var)
{
	return strcspn(var, "=");
}

static uint32_t hash(const char *name, size_t len)
{
	uint32_t h = FNV_OFFSET;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * FNV_PRIME;
	return h;
}

/* Where the variable stands, or the free place where it belongs. */
static uint16_t *find(const char *var)
{
	size_t len = name_len(var);
	uint32_t at = hash(var, len) % table_size;

	for (;; at = (at + 1) % table_size) {
		const char *other;

		if (table[at] == INDEX_EMPTY)
			return &table[at];
		other = list[table[at] - 1];
		if (name_len(other) == len && memcmp(other, var, len) == 0)
			return &table[at];
	}
}

static void set(char *var)
{
	uint16_t *at = find(var);

	if (*at == INDEX_EMPTY) {
		n_list++;
		*at = (uint16_t)n_list;
	}
	list[*at - 1] = var;
}

static void begin(uint32_t n)
{
	_Static_assert(TABLE_MAX >= 2 * ENV_MAX, "at most half of the table is taken");
	table_size = 64;
	while (table_size < TABLE_MAX && table_size < 2 * n)
		table_size *= 2;
	memset(table, 0, table_size * sizeof(table[0]));
	n_list = 0;
}

char **job_environment(char *const *own, char *env, uint32_t n_env)
{
	begin((uint32_t)(sizeof(base) / sizeof(base[0])) + (own ? JOB_ENV_OWN_MAX : 0u) + n_env);
	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++)
		set(base[i]);
	for (size_t i = 0; own && own[i] && i < JOB_ENV_OWN_MAX; i++)
		set(own[i]);
	for (; n_env > 0; n_env--) {
		set(env);
		env = spec_next_string(env);
	}
	list[n_list] = NULL;
	return list;
}
