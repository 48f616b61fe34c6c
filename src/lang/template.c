/* SPDX-License-Identifier: MIT */
#include "lang/template.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define ARGUMENT_MAX (128 * 1024) /* the kernel's own bound of one argument (MAX_ARG_STRLEN) */

static const struct placeholder {
	const char *text;
	unsigned bit;
	bool alone; /* stands for zero or more elements, so it must be a whole element */
} placeholders[] = {
	{ "{source}", TEMPLATE_SOURCE, false },
	{ "{artifact}", TEMPLATE_ARTIFACT, false },
	{ "{memoryMiB}", TEMPLATE_MEMORY, false },
	{ "{sources}", TEMPLATE_SOURCES, true },
	{ "{flags}", TEMPLATE_FLAGS, true },
	{ "{args}", TEMPLATE_ARGS, true },
	{ "{header}", TEMPLATE_HEADER, false },
	{ "{directory}", TEMPLATE_DIRECTORY, false },
	{ "{precompiled}", TEMPLATE_PRECOMPILED, true },
};
#define N_PLACEHOLDERS (sizeof(placeholders) / sizeof(placeholders[0]))

bool lang_argv_add(struct lang_argv *a, const char *text)
{
	char **items = reallocarray(a->items, a->n + 2, sizeof(*items));
	char *copy;

	if (!items)
		return false;
	a->items = items;
	copy = strdup(text);
	a->items[a->n] = copy;
	if (!copy)
		return false;
	a->items[++a->n] = NULL;
	return true;
}

void lang_argv_done(struct lang_argv *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->items[i]);
	free(a->items);
	*a = (struct lang_argv){ 0 };
}

/* Length of a "{letters}" at `at`, or 0: other braces are plain text (awk, JSON). */
static size_t brace_word(const char *at)
{
	size_t n = 1;

	if (*at != '{')
		return 0;
	while (isalpha((unsigned char)at[n]))
		n++;
	return n > 1 && at[n] == '}' ? n + 1 : 0;
}

static const struct placeholder *find_placeholder(const char *at, size_t len)
{
	for (size_t i = 0; i < N_PLACEHOLDERS; i++) {
		if (strlen(placeholders[i].text) == len && memcmp(placeholders[i].text, at, len) == 0)
			return &placeholders[i];
	}
	return NULL;
}

static bool check_element(const char *element, unsigned allowed, char *problem, size_t size)
{
	for (const char *at = element; *at; at++) {
		size_t len = brace_word(at);
		const struct placeholder *p = len > 0 ? find_placeholder(at, len) : NULL;

		if (len == 0)
			continue;
		if (!p || !(p->bit & allowed)) {
			snprintf(problem, size, "uses %.*s, which does not exist here",
				 (int)(len < 40 ? len : 40), at);
			return false;
		}
		if (p->alone && strcmp(element, p->text) != 0) {
			snprintf(problem, size, "uses %s inside an element; it must be one by itself",
				 p->text);
			return false;
		}
	}
	return true;
}

bool lang_line_check(const char *line, unsigned allowed, char *problem, size_t size)
{
	return check_element(line, allowed, problem, size);
}

bool lang_template_check(const struct lang_argv *template, unsigned allowed, char *problem, size_t size)
{
	for (size_t i = 0; i < template->n; i++) {
		if (!check_element(template->items[i], allowed, problem, size))
			return false;
	}
	if (template->n > 0 && template->items[0][0] == '{') {
		snprintf(problem, size, "must begin with the program's name");
		return false;
	}
	return true;
}

bool lang_template_uses(const struct lang_argv *template, const char *placeholder)
{
	for (size_t i = 0; i < template->n; i++) {
		if (strstr(template->items[i], placeholder))
			return true;
	}
	return false;
}

/*
 * A submitted name at the start of an argument must not be read as an option ("-fplugin=x.so") or as a file
 * of options ("@x"): names that begin with anything but a letter, a digit or '_' get "./" in front.
 */
static bool add_file_name(struct buf *out, const char *name)
{
	bool plain = isalnum((unsigned char)name[0]) || name[0] == '_' || name[0] == '/';

	if (out->len == 0 && !plain && !buf_add_str(out, "./"))
		return false;
	return buf_add_str(out, name);
}

static bool add_value(struct buf *out, const struct lang *l, unsigned bit, const struct lang_values *v)
{
	switch (bit) {
	case TEMPLATE_SOURCE:
		return add_file_name(out, v->source);
	case TEMPLATE_ARTIFACT:
		assert(l->artifacts.n > 0); /* lang_parse has seen to it */
		return buf_add_str(out, l->artifacts.items[0]);
	case TEMPLATE_HEADER:
		return buf_add_str(out, v->header);
	case TEMPLATE_DIRECTORY:
		return buf_add_str(out, v->precompiled);
	default:
		assert(bit == TEMPLATE_MEMORY);
		return buf_printf(out, "%" PRId64, v->memory_bytes / (1024 * 1024));
	}
}

static bool expand_element(const struct lang *l, const char *element, const struct lang_values *v,
			   struct lang_argv *ret)
{
	struct buf out;
	bool done = true;

	buf_init(&out, ARGUMENT_MAX);
	for (const char *at = element; done && *at;) {
		size_t len = brace_word(at);

		if (len > 0) {
			const struct placeholder *p = find_placeholder(at, len);

			assert(p && !p->alone);
			done = add_value(&out, l, p->bit, v);
			at += len;
		} else {
			done = buf_add_char(&out, *at++);
		}
	}
	done = done && lang_argv_add(ret, buf_text(&out));
	buf_done(&out);
	return done;
}

static bool add_all(struct lang_argv *ret, const char *const *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!lang_argv_add(ret, items[i]))
			return false;
	}
	return true;
}

static bool add_sources(const struct lang *l, const struct lang_values *v, struct lang_argv *ret)
{
	for (size_t i = 0; i < v->n_sources; i++) {
		struct buf name;
		bool added;

		if (!lang_is_source(l, v->sources[i]) && strcmp(v->sources[i], v->source) != 0)
			continue;
		buf_init(&name, ARGUMENT_MAX);
		added = add_file_name(&name, v->sources[i]) && lang_argv_add(ret, buf_text(&name));
		buf_done(&name);
		if (!added)
			return false;
	}
	return true;
}

/* Zero or one element: how the compiler is told of the headers that are ready. */
static bool add_precompiled(const struct lang *l, const struct lang_values *v, struct lang_argv *ret)
{
	return !v->precompiled || expand_element(l, l->precompile.use.items[0], v, ret);
}

static bool expand(const struct lang *l, const struct lang_argv *template, const struct lang_values *v,
		   struct lang_argv *ret)
{
	bool args_placed = false;

	for (size_t i = 0; i < template->n; i++) {
		const char *element = template->items[i];
		bool added;

		if (strcmp(element, "{flags}") == 0) {
			added = add_all(ret, v->flags, v->n_flags);
		} else if (strcmp(element, "{sources}") == 0) {
			added = add_sources(l, v, ret);
		} else if (strcmp(element, "{args}") == 0) {
			added = add_all(ret, v->args, v->n_args);
			args_placed = true;
		} else if (strcmp(element, "{precompiled}") == 0) {
			added = add_precompiled(l, v, ret);
		} else {
			added = expand_element(l, element, v, ret);
		}
		if (!added)
			return false;
	}
	return args_placed || add_all(ret, v->args, v->n_args);
}

int lang_expand(const struct lang *l, const struct lang_argv *template, const struct lang_values *v,
		struct lang_argv *ret_argv)
{
	struct lang_argv argv = { 0 };

	if (!expand(l, template, v, &argv)) {
		lang_argv_done(&argv);
		return -1;
	}
	*ret_argv = argv;
	return 0;
}
