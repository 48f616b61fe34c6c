/* SPDX-License-Identifier: MIT */
/* The words of a command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/redis_link.h"

void redis_args_add(struct redis_args *a, const void *data, size_t len)
{
	if (a->n == a->size) {
		a->size = a->size ? 2 * a->size : 16;
		a->words = realloc(a->words, a->size * sizeof(*a->words));
		a->lens = realloc(a->lens, a->size * sizeof(*a->lens));
		if (!a->words || !a->lens)
			abort();
	}
	a->words[a->n] = malloc(len + 1);
	if (!a->words[a->n])
		abort();
	if (len > 0)
		memcpy(a->words[a->n], data, len);
	a->words[a->n][len] = '\0';
	a->lens[a->n++] = len;
}

void redis_args_text(struct redis_args *a, const char *text)
{
	redis_args_add(a, text, strlen(text));
}

void redis_args_int(struct redis_args *a, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	redis_args_text(a, text);
}

void redis_args_done(struct redis_args *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->words[i]);
	free(a->words);
	free(a->lens);
	*a = (struct redis_args){ 0 };
}
