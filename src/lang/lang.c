/* SPDX-License-Identifier: MIT */
#include "lang/lang.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

#define LANG_FILE_MAX (256 * 1024)

void lang_done(struct lang *l)
{
	free(l->name);
	lang_argv_done(&l->aliases);
	lang_argv_done(&l->extensions);
	free(l->source);
	lang_argv_done(&l->compile);
	lang_argv_done(&l->artifacts);
	lang_argv_done(&l->flags);
	lang_argv_done(&l->precompile.headers);
	lang_argv_done(&l->precompile.argv);
	lang_argv_done(&l->precompile.file);
	lang_argv_done(&l->precompile.stub);
	lang_argv_done(&l->precompile.use);
	lang_argv_done(&l->run);
	lang_argv_done(&l->env);
	lang_argv_done(&l->version_argv);
	free(l->package);
	free(l->image);
	free(l->version);
	*l = (struct lang){ 0 };
}

void lang_table_free(struct lang_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		lang_done(&t->langs[i]);
	free(t->langs);
	free(t);
}

static int read_stream(FILE *f, const char *path, struct buf *text, struct err *e)
{
	char chunk[8192];
	size_t n;

	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
		if (!buf_add(text, chunk, n))
			return err_set(e, ERR_LIMIT, 0, "language file %s is larger than %d bytes", path,
				       LANG_FILE_MAX);
	}
	if (ferror(f))
		return err_set(e, ERR_IO, errno, "read language file %s", path);
	return 0;
}

static int load_file(const char *path, struct lang *ret_lang, struct err *e)
{
	AUTO_FCLOSE FILE *f = fopen(path, "re");
	AUTO(buf_done) struct buf text;

	buf_init(&text, LANG_FILE_MAX);
	if (!f)
		return err_set(e, ERR_IO, errno, "open language file %s", path);
	if (read_stream(f, path, &text, e) < 0)
		return -1;
	return lang_parse(buf_text(&text), text.len, path, ret_lang, e);
}

static int is_language_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct lang *)a)->name, ((const struct lang *)b)->name);
}

static bool is_called(const struct lang *l, const char *name)
{
	if (strcasecmp(l->name, name) == 0)
		return true;
	for (size_t i = 0; i < l->aliases.n; i++) {
		if (strcasecmp(l->aliases.items[i], name) == 0)
			return true;
	}
	return false;
}

/* Which of two files won would depend on their order, so none does. `path` is the file of `l`. */
static int check_distinct(const struct lang *l, const struct lang *other, const char *path, struct err *e)
{
	const char *field = "name", *twice = is_called(other, l->name) ? l->name : NULL;

	for (size_t i = 0; i < l->aliases.n && !twice; i++) {
		field = "aliases";
		twice = is_called(other, l->aliases.items[i]) ? l->aliases.items[i] : NULL;
	}
	if (twice)
		return err_field(e, ERR_INVALID, field, "%s: %s: the language %s is called \"%s\" already",
				 path, field, other->name, twice);
	for (size_t i = 0; i < l->extensions.n; i++) {
		for (size_t j = 0; j < other->extensions.n; j++) {
			if (strcmp(l->extensions.items[i], other->extensions.items[j]) == 0)
				return err_field(
					e, ERR_INVALID, "extensions",
					"%s: extensions: the language %s has the extension \"%s\" already",
					path, other->name, l->extensions.items[i]);
		}
	}
	return 0;
}

static int add_file(struct lang_table *t, const char *dir, const char *name, struct err *e)
{
	AUTO_FREE char *path = NULL;
	struct lang *langs = reallocarray(t->langs, t->n + 1, sizeof(*langs));

	if (!langs || asprintf(&path, "%s/%s", dir, name) < 0) {
		t->langs = langs ? langs : t->langs;
		return err_set(e, ERR_IO, ENOMEM, "read language files");
	}
	t->langs = langs;
	if (load_file(path, &t->langs[t->n], e) < 0)
		return -1;
	t->n++;
	for (size_t i = 0; i + 1 < t->n; i++) {
		if (check_distinct(&t->langs[t->n - 1], &t->langs[i], path, e) < 0)
			return -1;
	}
	return 0;
}

static int read_directory(struct lang_table *t, const char *dir, struct err *e)
{
	struct dirent **entries;
	int status = 0, n = scandir(dir, &entries, is_language_file, alphasort);

	if (n < 0)
		return err_set(e, ERR_IO, errno, "read the language directory %s", dir);
	for (int i = 0; i < n; i++) {
		if (status == 0)
			status = add_file(t, dir, entries[i]->d_name, e);
		free(entries[i]);
	}
	free(entries);
	return status;
}

struct lang_table *lang_table_load(const char *dir, struct err *e)
{
	AUTO(lang_table_free_p) struct lang_table *t = calloc(1, sizeof(*t));

	if (!t) {
		err_set(e, ERR_IO, ENOMEM, "read language files");
		return NULL;
	}
	if (read_directory(t, dir, e) < 0)
		return NULL;
	if (t->n == 0) {
		err_set(e, ERR_INVALID, 0, "%s holds no language file (*.json)", dir);
		return NULL;
	}
	qsort(t->langs, t->n, sizeof(*t->langs), by_name);
	return TAKE(t);
}

struct lang *lang_find(const struct lang_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++) {
		if (is_called(&t->langs[i], name))
			return &t->langs[i];
	}
	return NULL;
}

bool lang_is_source(const struct lang *l, const char *file_name)
{
	const char *slash = strrchr(file_name, '/');
	const char *base = slash ? slash + 1 : file_name;

	for (size_t i = 0; i < l->extensions.n; i++) {
		size_t n = strlen(l->extensions.items[i]), len = strlen(base);

		/* A file that is called ".c" has no extension. */
		if (len > n && strcmp(base + len - n, l->extensions.items[i]) == 0)
			return true;
	}
	return false;
}

struct lang *lang_find_by_file(const struct lang_table *t, const char *file_name)
{
	for (size_t i = 0; i < t->n; i++) {
		if (lang_is_source(&t->langs[i], file_name))
			return &t->langs[i];
	}
	return NULL;
}

/* The '*' stands for at least one byte ("-D*" must not let a bare "-D" swallow the next argument), and for
 * neither '/' (a path) nor ',' ("-W*" must not let "-Wl,…" through). */
static bool pattern_matches(const char *pattern, const char *flag)
{
	const char *star = strchr(pattern, '*');
	size_t head, tail, len = strlen(flag);

	if (!star)
		return strcmp(pattern, flag) == 0;
	head = (size_t)(star - pattern);
	tail = strlen(star + 1);
	if (len <= head + tail || strncmp(flag, pattern, head) != 0 ||
	    strcmp(flag + len - tail, star + 1) != 0)
		return false;
	for (size_t i = head; i < len - tail; i++) {
		if (flag[i] == '/' || flag[i] == ',' || iscntrl((unsigned char)flag[i]))
			return false;
	}
	return true;
}

bool lang_flag_allowed(const struct lang *l, const char *flag)
{
	for (size_t i = 0; i < l->flags.n; i++) {
		if (pattern_matches(l->flags.items[i], flag))
			return true;
	}
	return false;
}

/* A version at `at`: digits, then more digits after single dots. */
static size_t version_at(const char *at, const char *end, bool *ret_dotted)
{
	const char *p = at;

	*ret_dotted = false;
	while (p < end && isdigit((unsigned char)*p))
		p++;
	if (p == at)
		return 0;
	while (end - p >= 2 && p[0] == '.' && isdigit((unsigned char)p[1])) {
		*ret_dotted = true;
		for (p++; p < end && isdigit((unsigned char)*p); p++)
			;
	}
	return (size_t)(p - at);
}

char *lang_find_version(const char *text, size_t len)
{
	const char *end = text + len, *number = NULL;
	size_t number_len = 0;

	for (const char *at = text; at < end;) {
		bool dotted;
		size_t n = version_at(at, end, &dotted);

		if (dotted)
			return strndup(at, n);
		if (n > 0 && !number) {
			number = at;
			number_len = n;
		}
		at += n > 0 ? n : 1;
	}
	return number ? strndup(number, number_len) : NULL;
}

bool lang_version_matches(const char *version, const char *asked)
{
	size_t n = strlen(asked);

	return n > 0 && strncmp(version, asked, n) == 0 && (version[n] == '\0' || version[n] == '.');
}
