/* SPDX-License-Identifier: MIT */
#include "job/job.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void bytes_done(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){ 0 };
}

bool bytes_set(struct bytes *b, const void *data, size_t len)
{
	char *copy = NULL;

	if (len > 0) {
		copy = malloc(len + 1);
		if (!copy)
			return false;
		memcpy(copy, data, len);
		copy[len] = '\0';
	}
	free(b->data);
	b->data = copy;
	b->len = len;
	return true;
}

void strings_done(struct strings *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->items[i]);
	free(s->items);
	*s = (struct strings){ 0 };
}

bool strings_take(struct strings *s, char *text)
{
	/* Room is doubled when n + 1 is a power of two, so the capacity needs no field of its own: it is the
	 * next power of two above n + 1. */
	if ((s->n & (s->n + 1)) == 0) {
		char **items = reallocarray(s->items, 2 * (s->n + 1), sizeof(*items));

		if (!items) {
			free(text);
			return false;
		}
		s->items = items;
	}
	s->items[s->n++] = text;
	s->items[s->n] = NULL;
	return true;
}

bool strings_add(struct strings *s, const char *text)
{
	char *copy = strdup(text);

	return copy && strings_take(s, copy);
}

struct submission *submission_new(void)
{
	struct submission *s = calloc(1, sizeof(*s));

	if (s)
		s->refs = 1;
	return s;
}

struct submission *submission_ref(struct submission *s)
{
	assert(s->refs > 0);
	s->refs++;
	return s;
}

void submission_unref(struct submission *s)
{
	if (!s)
		return;
	assert(s->refs > 0);
	if (--s->refs > 0)
		return;
	for (size_t i = 0; i < s->n_files; i++) {
		free(s->files[i].name);
		bytes_done(&s->files[i].content);
	}
	free(s->files);
	free(s->language);
	free(s->version);
	bytes_done(&s->input);
	strings_done(&s->args);
	strings_done(&s->env);
	strings_done(&s->compiler_flags);
	free(s);
}

struct result *result_new(void)
{
	struct result *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->refs = 1;
	r->compile.exit_code = -1;
	r->run.exit_code = -1;
	return r;
}

struct result *result_ref(struct result *r)
{
	assert(r->refs > 0);
	r->refs++;
	return r;
}

static void step_done(struct step_result *step)
{
	bytes_done(&step->out.data);
	bytes_done(&step->err.data);
}

void result_unref(struct result *r)
{
	if (!r)
		return;
	assert(r->refs > 0);
	if (--r->refs > 0)
		return;
	free(r->language);
	free(r->version);
	free(r->message);
	free(r->weak);
	step_done(&r->compile);
	step_done(&r->run);
	free(r);
}

struct result *result_without_run(const char *id, const char *language, int64_t created_ms,
				  int64_t finished_ms, int attempts, enum verdict v, const char *message)
{
	AUTO(result_unref_p) struct result *r = result_new();

	if (!r)
		return NULL;
	assert(strlen(id) < sizeof(r->id));
	memcpy(r->id, id, strlen(id) + 1);
	r->language = strdup(language);
	r->message = message ? strdup(message) : NULL;
	if (!r->language || (message && !r->message))
		return NULL;
	r->verdict = v;
	r->created_ms = created_ms;
	r->finished_ms = finished_ms;
	r->attempts = attempts;
	return TAKE(r);
}
