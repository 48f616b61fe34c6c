/* SPDX-License-Identifier: MIT */
/* One language file's JSON into a struct lang. Strict: what it does not know, it refuses. */
#include "lang/lang.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/template.h"

#define ITEMS_MAX    256
#define TEXT_MAX     1024
#define NAME_MAX_LEN 32

static const char *const known_keys[] = { "name",   "aliases",	     "extensions", "source",  "compile",
					  "run",    "env",	     "version",	   "package", "image",
					  "limits", "compileLimits", "warm" };
static const char *const compile_keys[] = { "argv", "artifacts", "flags", "precompile" };
static const char *const precompile_keys[] = { "headers", "argv", "file", "stub", "use" };

static const struct {
	const char *name;
	size_t offset;
} limit_rows[] = {
	{ "cpuMs", offsetof(struct lang_limits, cpu_ms) },
	{ "wallMs", offsetof(struct lang_limits, wall_ms) },
	{ "memoryBytes", offsetof(struct lang_limits, memory_bytes) },
	{ "processes", offsetof(struct lang_limits, processes) },
	{ "outputBytes", offsetof(struct lang_limits, output_bytes) },
	{ "fileBytes", offsetof(struct lang_limits, file_bytes) },
	{ "diskBytes", offsetof(struct lang_limits, disk_bytes) },
};
#define N_LIMIT_ROWS (sizeof(limit_rows) / sizeof(limit_rows[0]))

struct parse {
	const char *file;
	struct lang *lang;
	struct err *e;
};

__attribute__((format(printf, 3, 4), cold)) static int bad(const struct parse *p, const char *field,
							   const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_field(p->e, ERR_INVALID, field, "%s: \"%s\" %s", p->file, field, text);
}

static int no_memory(const struct parse *p)
{
	return err_set(p->e, ERR_IO, ENOMEM, "read language file %s", p->file);
}

static int check_keys(const struct parse *p, const char *where, json_t *object, const char *const *keys,
		      size_t n_keys)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		size_t i = 0;

		while (i < n_keys && strcmp(key, keys[i]) != 0)
			i++;
		if (i == n_keys) {
			char field[64];

			snprintf(field, sizeof(field), "%s%.40s", where, key);
			return bad(p, field,
				   "is not a field of a language file; docs/languages.md lists them");
		}
	}
	return 0;
}

/* What every string of a language file must be; jansson has refused embedded NULs already. */
static int check_text(const struct parse *p, const char *field, json_t *value)
{
	const char *text = json_string_value(value);

	if (!text || !*text)
		return bad(p, field, "must be a non-empty string");
	if (strlen(text) > TEXT_MAX)
		return bad(p, field, "is longer than %d bytes", TEXT_MAX);
	for (const char *c = text; *c; c++) {
		if (iscntrl((unsigned char)*c))
			return bad(p, field, "holds a control character");
	}
	return 0;
}

/* A missing or null field leaves *ret NULL. */
static int read_text(const struct parse *p, json_t *object, const char *field, char **ret)
{
	json_t *value = json_object_get(object, field);

	if (!value || json_is_null(value))
		return 0;
	if (check_text(p, field, value) < 0)
		return -1;
	*ret = strdup(json_string_value(value));
	return *ret ? 0 : no_memory(p);
}

/* A missing field leaves *ret empty. */
static int read_strings(const struct parse *p, json_t *object, const char *key, const char *field,
			struct lang_argv *ret)
{
	json_t *array = json_object_get(object, key);
	json_t *value;
	size_t i;

	if (!array)
		return 0;
	if (!json_is_array(array) || json_array_size(array) > ITEMS_MAX)
		return bad(p, field, "must be an array of at most %d strings", ITEMS_MAX);
	json_array_foreach(array, i, value)
	{
		if (check_text(p, field, value) < 0)
			return -1;
		if (!lang_argv_add(ret, json_string_value(value)))
			return no_memory(p);
	}
	return 0;
}

static bool is_env_name(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return *name == '\0';
}

static int read_env(const struct parse *p, json_t *object)
{
	json_t *env = json_object_get(object, "env");
	const char *name;
	json_t *value;

	if (!env)
		return 0;
	if (!json_is_object(env))
		return bad(p, "env", "must be an object of strings");
	json_object_foreach(env, name, value)
	{
		char text[2 * TEXT_MAX + 2];

		if (!is_env_name(name) || strlen(name) > TEXT_MAX)
			return bad(p, "env", "has a name that is not letters, digits and '_'");
		if (!json_is_string(value) || json_string_length(value) > TEXT_MAX)
			return bad(p, "env", "must be an object of strings of at most %d bytes", TEXT_MAX);
		snprintf(text, sizeof(text), "%s=%s", name, json_string_value(value));
		if (!lang_argv_add(&p->lang->env, text))
			return no_memory(p);
	}
	return 0;
}

static int read_limit(const struct parse *p, const char *where, const char *key, json_t *value,
		      struct lang_limits *ret)
{
	char field[64];

	snprintf(field, sizeof(field), "%s.%.40s", where, key);
	for (size_t i = 0; i < N_LIMIT_ROWS; i++) {
		if (strcmp(key, limit_rows[i].name) != 0)
			continue;
		if (!json_is_integer(value) || json_integer_value(value) <= 0)
			return bad(p, field, "must be a whole number over 0");
		*(int64_t *)(void *)((char *)ret + limit_rows[i].offset) = json_integer_value(value);
		return 0;
	}
	return bad(p, field, "is no limit; docs/languages.md lists them");
}

static int read_limits(const struct parse *p, json_t *object, const char *field, struct lang_limits *ret)
{
	json_t *limits = json_object_get(object, field);
	const char *key;
	json_t *value;

	if (!limits)
		return 0;
	if (!json_is_object(limits))
		return bad(p, field, "must be an object");
	json_object_foreach(limits, key, value)
	{
		if (read_limit(p, field, key, value, ret) < 0)
			return -1;
	}
	return 0;
}

/* A template of one element. */
static int read_line(const struct parse *p, json_t *object, const char *key, const char *field,
		     unsigned allowed, struct lang_argv *ret)
{
	json_t *value = json_object_get(object, key);
	char problem[160];

	if (check_text(p, field, value) < 0)
		return -1;
	if (!lang_argv_add(ret, json_string_value(value)))
		return no_memory(p);
	if (!lang_line_check(ret->items[0], allowed, problem, sizeof(problem)))
		return bad(p, field, "%s", problem);
	return 0;
}

/* What becomes a file's name below a directory of ours. */
static bool is_header(const char *name)
{
	return name[0] != '/' && name[0] != '.' && !strstr(name, "..") && !strstr(name, "//") &&
	       !strstr(name, "/.") && name[strlen(name) - 1] != '/' && strlen(name) <= 200;
}

static int check_precompile(const struct parse *p, const struct lang_precompile *c)
{
	char problem[160];

	if (c->headers.n == 0 || c->headers.n > LANG_PRECOMPILE_MAX)
		return bad(p, "compile.precompile.headers", "must name one to %d headers",
			   LANG_PRECOMPILE_MAX);
	for (size_t i = 0; i < c->headers.n; i++) {
		if (!is_header(c->headers.items[i]))
			return bad(p, "compile.precompile.headers", "must be relative names");
	}
	if (c->argv.n == 0)
		return bad(p, "compile.precompile.argv", "must have at least the compiler's name");
	if (!lang_template_check(&c->argv, TEMPLATE_HEADER | TEMPLATE_ARTIFACT, problem, sizeof(problem)))
		return bad(p, "compile.precompile.argv", "%s", problem);
	if (!lang_template_uses(&c->argv, "{header}") || !lang_template_uses(&c->argv, "{artifact}"))
		return bad(p, "compile.precompile.argv", "must use {header} and {artifact}");
	if (!lang_template_uses(&c->file, "{header}") || strcmp(c->file.items[0], "{header}") == 0)
		return bad(p, "compile.precompile.file", "must be {header} and something more");
	if (!lang_template_uses(&p->lang->compile, "{precompiled}"))
		return bad(p, "compile.precompile", "needs {precompiled} in \"compile.argv\"");
	return 0;
}

static int read_precompile(const struct parse *p, json_t *compile)
{
	json_t *object = json_object_get(compile, "precompile");
	struct lang_precompile *c = &p->lang->precompile;

	if (!object) {
		if (lang_template_uses(&p->lang->compile, "{precompiled}"))
			return bad(p, "compile.argv", "uses {precompiled} without a \"precompile\"");
		return 0;
	}
	if (!json_is_object(object))
		return bad(p, "compile.precompile", "must be an object");
	if (check_keys(p, "compile.precompile.", object, precompile_keys,
		       sizeof(precompile_keys) / sizeof(char *)) < 0 ||
	    read_strings(p, object, "headers", "compile.precompile.headers", &c->headers) < 0 ||
	    read_strings(p, object, "argv", "compile.precompile.argv", &c->argv) < 0 ||
	    read_line(p, object, "file", "compile.precompile.file", TEMPLATE_HEADER, &c->file) < 0 ||
	    read_line(p, object, "stub", "compile.precompile.stub", TEMPLATE_HEADER, &c->stub) < 0 ||
	    read_line(p, object, "use", "compile.precompile.use", TEMPLATE_DIRECTORY, &c->use) < 0)
		return -1;
	return check_precompile(p, c);
}

static int read_compile(const struct parse *p, json_t *object)
{
	json_t *compile = json_object_get(object, "compile");
	struct lang *l = p->lang;

	if (!compile || json_is_null(compile)) {
		if (json_object_get(object, "compileLimits"))
			return bad(p, "compileLimits", "needs a \"compile\"");
		return 0;
	}
	if (!json_is_object(compile))
		return bad(p, "compile", "must be an object or null");
	if (check_keys(p, "compile.", compile, compile_keys, sizeof(compile_keys) / sizeof(char *)) < 0 ||
	    read_strings(p, compile, "argv", "compile.argv", &l->compile) < 0 ||
	    read_strings(p, compile, "artifacts", "compile.artifacts", &l->artifacts) < 0 ||
	    read_strings(p, compile, "flags", "compile.flags", &l->flags) < 0)
		return -1;
	if (l->compile.n == 0)
		return bad(p, "compile.argv", "must have at least the compiler's name");
	if (l->artifacts.n == 0)
		return bad(p, "compile.artifacts", "must name at least one file that the compiler makes");
	if (read_precompile(p, compile) < 0)
		return -1;
	return read_limits(p, object, "compileLimits", &l->compile_limits);
}

static bool is_name(const char *name)
{
	if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name))
		return false;
	if (strlen(name) > NAME_MAX_LEN)
		return false;
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789+#._-")] == '\0';
}

static int check_names(const struct parse *p)
{
	const struct lang *l = p->lang;

	if (!l->name)
		return bad(p, "name", "is missing");
	if (!is_name(l->name))
		return bad(p, "name", "must be at most %d of a-z 0-9 + # . _ -, a letter or digit first",
			   NAME_MAX_LEN);
	for (size_t i = 0; i < l->aliases.n; i++) {
		if (!is_name(l->aliases.items[i]))
			return bad(p, "aliases", "must be like names: a-z 0-9 + # . _ -");
	}
	if (!l->source)
		return bad(p, "source", "is missing");
	if (strchr(l->source, '/') || l->source[0] == '.' || strlen(l->source) > 255)
		return bad(p, "source", "must be a plain file name");
	for (size_t i = 0; i < l->extensions.n; i++) {
		const char *ext = l->extensions.items[i];

		if (ext[0] != '.' || ext[1] == '\0' || strchr(ext, '/'))
			return bad(p, "extensions", "must each begin with a dot, like \".py\"");
	}
	return 0;
}

/* Two '*' would make a pattern that nobody can check by eye, and one is enough. */
static int check_flags(const struct parse *p)
{
	const struct lang_argv *flags = &p->lang->flags;

	for (size_t i = 0; i < flags->n; i++) {
		const char *star = strchr(flags->items[i], '*');

		if (flags->items[i][0] != '-')
			return bad(p, "compile.flags", "must each begin with '-'");
		if (star && (strchr(star + 1, '*') || star - flags->items[i] < 2))
			return bad(p, "compile.flags", "may have one '*', after at least \"-\" and a letter");
	}
	return 0;
}

static int check_templates(const struct parse *p)
{
	const struct lang *l = p->lang;
	const struct {
		const char *field;
		const struct lang_argv *argv;
		unsigned allowed;
	} rows[] = {
		{ "compile.argv", &l->compile, TEMPLATE_COMPILE },
		{ "run", &l->run, l->compile.n > 0 ? TEMPLATE_RUN | TEMPLATE_ARTIFACT : TEMPLATE_RUN },
		{ "version", &l->version_argv, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char problem[160];

		if (!lang_template_check(rows[i].argv, rows[i].allowed, problem, sizeof(problem)))
			return bad(p, rows[i].field, "%s", problem);
	}
	for (size_t i = 0; i < l->artifacts.n; i++) {
		if (l->artifacts.items[i][0] == '/' || strstr(l->artifacts.items[i], ".."))
			return bad(p, "compile.artifacts", "must be names beneath the work directory");
	}
	if (l->artifacts.n > 0 && strpbrk(l->artifacts.items[0], "*?[\\") &&
	    (lang_template_uses(&l->compile, "{artifact}") || lang_template_uses(&l->run, "{artifact}")))
		return bad(p, "compile.artifacts", "must begin with a plain name, since {artifact} is used");
	return 0;
}

/* A warm interpreter knows neither a compiler's artifacts nor the limits of the job that will come. */
static int read_warm(const struct parse *p, json_t *root)
{
	json_t *warm = json_object_get(root, "warm");
	struct lang *l = p->lang;

	if (!warm)
		return 0;
	if (!json_is_boolean(warm))
		return bad(p, "warm", "must be true or false");
	l->warm = json_is_true(warm);
	if (l->warm && l->compile.n > 0)
		return bad(p, "warm", "is for languages without a \"compile\"");
	if (l->warm &&
	    (lang_template_uses(&l->run, "{memoryMiB}") || !lang_template_uses(&l->run, "{source}")))
		return bad(p, "warm", "needs a \"run\" with {source} and without {memoryMiB}");
	return 0;
}

/* Who the language is: what a submission can call it, and which files are its own. */
static int read_identity(const struct parse *p, json_t *root)
{
	struct lang *l = p->lang;

	if (read_text(p, root, "name", &l->name) < 0 ||
	    read_strings(p, root, "aliases", "aliases", &l->aliases) < 0 ||
	    read_strings(p, root, "extensions", "extensions", &l->extensions) < 0 ||
	    read_text(p, root, "source", &l->source) < 0 || read_text(p, root, "package", &l->package) < 0 ||
	    read_text(p, root, "image", &l->image) < 0)
		return -1;
	return check_names(p);
}

static int read_steps(const struct parse *p, json_t *root)
{
	struct lang *l = p->lang;

	if (read_compile(p, root) < 0 || check_flags(p) < 0 ||
	    read_strings(p, root, "run", "run", &l->run) < 0 ||
	    read_strings(p, root, "version", "version", &l->version_argv) < 0 || read_env(p, root) < 0 ||
	    read_limits(p, root, "limits", &l->limits) < 0)
		return -1;
	if (l->run.n == 0)
		return bad(p, "run", "must be an array of at least one string");
	if (l->version_argv.n == 0)
		return bad(p, "version", "must be an array of at least one string");
	if (check_templates(p) < 0)
		return -1;
	return read_warm(p, root);
}

static int read_language(const struct parse *p, json_t *root)
{
	if (!json_is_object(root))
		return err_set(p->e, ERR_INVALID, 0, "%s: must hold one JSON object", p->file);
	if (check_keys(p, "", root, known_keys, sizeof(known_keys) / sizeof(char *)) < 0 ||
	    read_identity(p, root) < 0)
		return -1;
	return read_steps(p, root);
}

int lang_parse(const char *text, size_t len, const char *file, struct lang *ret_lang, struct err *e)
{
	struct lang lang = { 0 };
	struct parse p = { .file = file, .lang = &lang, .e = e };
	json_error_t why;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	int status;

	if (!root)
		return err_set(e, ERR_INVALID, 0, "%s:%d:%d: %s", file, why.line, why.column, why.text);
	status = read_language(&p, root);
	json_decref(root);
	if (status < 0)
		lang_done(&lang);
	else
		*ret_lang = lang;
	return status;
}
