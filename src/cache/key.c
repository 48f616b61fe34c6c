/* SPDX-License-Identifier: MIT */
#include "cache/key.h"

#include <string.h>

/* Changed whenever the parts or their order change: old entries are then never met again. */
#define FORM "codecrusher compile 1"

static void add_number(struct sha256 *h, uint64_t n)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(n >> (8 * i));
	sha256_update(h, bytes, sizeof(bytes));
}

static void add_text(struct sha256 *h, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	/* Absent and empty are told apart. */
	add_number(h, text ? len + 1 : 0);
	sha256_update(h, text, len);
}

static void add_list(struct sha256 *h, const char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	add_number(h, n);
	for (size_t i = 0; i < n; i++)
		add_text(h, list[i]);
}

void cache_key_begin(struct sha256 *h, const struct cache_question *q)
{
	const struct exec_spec *spec = q->spec;

	sha256_init(h);
	add_text(h, FORM);
	add_text(h, CODECRUSHER_VERSION);
	add_text(h, q->tenant);
	add_text(h, q->lang->name);
	add_text(h, q->lang->version);
	add_text(h, spec->image);
	add_list(h, spec->argv);
	add_list(h, spec->env);
	add_list(h, spec->collect);
	/* All of them: whether a limit decides is known only by who has met it. */
	add_number(h, n_limit_fields);
	for (size_t i = 0; i < n_limit_fields; i++)
		add_number(h, (uint64_t)limit_value(&spec->limits, &limit_fields[i]));
	add_number(h, q->submission->n_files);
	for (size_t i = 0; i < q->submission->n_files; i++) {
		add_text(h, q->submission->files[i].name);
		add_number(h, q->submission->files[i].content.len);
	}
}

void cache_key_files(struct sha256 *h, const struct submission *s)
{
	for (size_t i = 0; i < s->n_files; i++)
		sha256_update(h, s->files[i].content.data, s->files[i].content.len);
}

void cache_key_end(struct sha256 *h, const unsigned char toolchain[SHA256_SIZE],
		   unsigned char ret_key[CACHE_KEY_SIZE])
{
	sha256_update(h, toolchain, SHA256_SIZE);
	sha256_final(h, ret_key);
}
