/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "sandbox/config.h"

static const struct {
	const char *name;
	uint32_t bit;
} weaknesses[] = {
	{ "rootless", SANDBOX_WEAK_ROOTLESS }, { "uids", SANDBOX_WEAK_UIDS },
	{ "memory", SANDBOX_WEAK_MEMORY },     { "pids", SANDBOX_WEAK_PIDS },
	{ "cpu", SANDBOX_WEAK_CPU },	       { "cpuacct", SANDBOX_WEAK_CPUACCT },
	{ "swap", SANDBOX_WEAK_SWAP },	       { "core", SANDBOX_WEAK_CORE },
};

#define COUNT (sizeof(weaknesses) / sizeof(weaknesses[0]))

const char *sandbox_weakness_name(uint32_t bit)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (weaknesses[i].bit == bit)
			return weaknesses[i].name;
	}
	return NULL;
}

uint32_t sandbox_weakness_bit(const char *name, size_t len)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (strlen(weaknesses[i].name) == len && !memcmp(weaknesses[i].name, name, len))
			return weaknesses[i].bit;
	}
	return 0;
}

void sandbox_weakness_list(uint32_t bits, char ret[SANDBOX_WEAK_TEXT])
{
	size_t n = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < COUNT; i++) {
		if (bits & weaknesses[i].bit)
			n += (size_t)snprintf(ret + n, SANDBOX_WEAK_TEXT - n, "%s%s", n > 0 ? "," : "",
					      weaknesses[i].name);
	}
}
