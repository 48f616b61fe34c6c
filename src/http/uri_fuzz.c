/* SPDX-License-Identifier: MIT */
/* Paths and query strings, apart from a head: what is decoded is valid, within its bytes, and named once. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

/* An allocation of its own, so that a byte too far is seen. */
static char *copy_of(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	copy[size] = 'x';
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *path = copy_of(data, size), *query = copy_of(data, size);
	struct http_param params[HTTP_PARAMS_MAX];
	const char *why = NULL;
	size_t len = size;
	int n;

	if (http_percent_decode(path, &len, false))
		must(len <= size && strlen(path) == len && utf8_is_valid(path, len));
	n = http_query_parse(query, size, params, &why);
	must(n >= 0 ? n <= HTTP_PARAMS_MAX : why != NULL);
	for (int i = 0; i < n; i++) {
		must(params[i].name >= query && params[i].name[0]);
		must(params[i].value + strlen(params[i].value) <= query + size);
		must(utf8_is_valid(params[i].value, strlen(params[i].value)));
		for (int k = 0; k < i; k++)
			must(strcmp(params[i].name, params[k].name) != 0);
	}
	return 0;
}
