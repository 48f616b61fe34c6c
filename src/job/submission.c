/* SPDX-License-Identifier: MIT */
#include "job/submission.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/parse.h"

#define STRINGS_BYTES_MAX (128 * 1024) /* args, env and compilerFlags together */

static const char *const body_fields[] = { "code",	    "language", "files",	"stdin",
					   "stdinEncoding", "args",	"env",		"compilerFlags",
					   "version",	    "limits",	"compileLimits" };

int parse_check_fields(const struct parse *p, const char *where, json_t *object, const char *const *fields,
		       size_t n_fields)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		size_t i = 0;

		while (i < n_fields && strcmp(key, fields[i]) != 0)
			i++;
		if (i == n_fields) {
			char name[BODY_QUOTE_SIZE], field[BODY_QUOTE_SIZE + 20];

			body_quote(name, key, strlen(key));
			snprintf(field, sizeof(field), "%s%s", where, name);
			return err_field(p->e, ERR_INVALID, field, "%s is not a field of a submission",
					 field);
		}
	}
	return 0;
}

int parse_plain_string(const struct parse *p, json_t *value, const char *field, const char **ret)
{
	*ret = NULL;
	if (!value)
		return 0;
	if (!json_is_string(value))
		return err_field(p->e, ERR_INVALID, field, "%s must be a string", field);
	*ret = json_string_value(value);
	if (strlen(*ret) != json_string_length(value))
		return err_field(p->e, ERR_INVALID, field, "%s must not contain a NUL character", field);
	return 0;
}

/* ---- language and version ---- */

static int read_language(struct parse *p)
{
	const char *name;

	if (parse_plain_string(p, json_object_get(p->root, "language"), "language", &name) < 0)
		return -1;
	if (!name)
		return err_field(p->e, ERR_INVALID, "language",
				 "language is missing; GET /api/v1/languages lists what this server runs");
	p->lang = lang_find(p->policy->langs, name);
	if (!p->lang) {
		char quoted[BODY_QUOTE_SIZE];

		body_quote(quoted, name, strlen(name));
		return err_field(p->e, ERR_INVALID, "language",
				 "there is no language \"%s\" here; GET /api/v1/languages lists them",
				 quoted);
	}
	p->s->language = strdup(p->lang->name);
	return p->s->language ? 0 : parse_no_memory(p->e);
}

static int read_version(struct parse *p)
{
	const char *version;

	if (parse_plain_string(p, json_object_get(p->root, "version"), "version", &version) < 0)
		return -1;
	if (!version)
		return 0;
	if (strlen(version) == 0 || strlen(version) > 32 || strspn(version, "0123456789.") != strlen(version))
		return err_field(
			p->e, ERR_INVALID, "version",
			"version must be digits and dots, whole (\"3.11.2\") or its beginning (\"3\")");
	/* Where the toolchains are elsewhere, the worker that takes the job compares. */
	if (p->lang->version && !lang_version_matches(p->lang->version, version))
		return err_field(p->e, ERR_INVALID, "version", "this server has %s %s, not %s", p->lang->name,
				 p->lang->version, version);
	p->s->version = strdup(version);
	return p->s->version ? 0 : parse_no_memory(p->e);
}

/* ---- lists of strings ---- */

static int take_strings_budget(struct parse *p, const char *field, size_t len)
{
	if (len + 1 > p->strings_left)
		return err_field(p->e, ERR_LIMIT, field,
				 "args, env and compilerFlags are over %d bytes together", STRINGS_BYTES_MAX);
	p->strings_left -= len + 1;
	return 0;
}

static int check_count(const struct parse *p, const char *field, size_t n)
{
	if (n > p->policy->args_max)
		return err_field(p->e, ERR_LIMIT, field,
				 "%s has too many elements: this server takes at most %zu", field,
				 p->policy->args_max);
	return 0;
}

static int read_strings(struct parse *p, const char *field, struct strings *ret)
{
	json_t *array = json_object_get(p->root, field), *value;
	size_t i;

	if (!array)
		return 0;
	if (!json_is_array(array))
		return err_field(p->e, ERR_INVALID, field, "%s must be an array of strings", field);
	if (check_count(p, field, json_array_size(array)) < 0)
		return -1;
	json_array_foreach(array, i, value)
	{
		const char *text;
		char element[40];

		snprintf(element, sizeof(element), "%s[%zu]", field, i);
		if (parse_plain_string(p, value, element, &text) < 0)
			return -1;
		assert(text); /* an array has no holes */
		if (take_strings_budget(p, field, strlen(text)) < 0)
			return -1;
		if (!strings_add(ret, text))
			return parse_no_memory(p->e);
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

static int read_variable(struct parse *p, const char *name, json_t *value)
{
	char quoted[BODY_QUOTE_SIZE], field[BODY_QUOTE_SIZE + 8];
	const char *text;
	char *pair;

	body_quote(quoted, name, strlen(name));
	snprintf(field, sizeof(field), "env.%s", quoted);
	if (!is_env_name(name))
		return err_field(p->e, ERR_INVALID, field,
				 "env has the name \"%s\"; a name is letters, digits and '_', no digit first",
				 quoted);
	if (parse_plain_string(p, value, field, &text) < 0)
		return -1;
	assert(text); /* the name is there, so its value is */
	if (take_strings_budget(p, "env", strlen(name) + 1 + strlen(text)) < 0)
		return -1;
	if (asprintf(&pair, "%s=%s", name, text) < 0 || !strings_take(&p->s->env, pair))
		return parse_no_memory(p->e);
	return 0;
}

static int read_env(struct parse *p)
{
	json_t *env = json_object_get(p->root, "env"), *value;
	const char *name;

	if (!env)
		return 0;
	if (!json_is_object(env))
		return err_field(p->e, ERR_INVALID, "env", "env must be an object of strings");
	if (check_count(p, "env", json_object_size(env)) < 0)
		return -1;
	json_object_foreach(env, name, value)
	{
		if (read_variable(p, name, value) < 0)
			return -1;
	}
	return 0;
}

static int read_flags(struct parse *p)
{
	struct strings *flags = &p->s->compiler_flags;

	if (read_strings(p, "compilerFlags", flags) < 0)
		return -1;
	if (flags->n > 0 && p->lang->compile.n == 0)
		return err_field(p->e, ERR_INVALID, "compilerFlags",
				 "compilerFlags cannot be given: %s has no compile step", p->lang->name);
	for (size_t i = 0; i < flags->n; i++) {
		char quoted[BODY_QUOTE_SIZE];

		if (lang_flag_allowed(p->lang, flags->items[i]))
			continue;
		body_quote(quoted, flags->items[i], strlen(flags->items[i]));
		return err_field(p->e, ERR_INVALID, "compilerFlags",
				 "the compiler flag \"%s\" is not allowed for %s", quoted, p->lang->name);
	}
	return 0;
}

/* ---- limits ---- */

static int read_limit(const struct parse *p, const char *where, const char *key, json_t *value,
		      const struct limits *maxima, struct limits *ret)
{
	const struct limit_field *row = NULL;
	char quoted[BODY_QUOTE_SIZE], field[BODY_QUOTE_SIZE + 20];

	body_quote(quoted, key, strlen(key));
	snprintf(field, sizeof(field), "%s.%s", where, quoted);
	for (size_t i = 0; i < n_limit_fields && !row; i++) {
		if (strcmp(key, limit_fields[i].name) == 0)
			row = &limit_fields[i];
	}
	if (!row)
		return err_field(p->e, ERR_INVALID, field, "%s is not a limit", field);
	if (!json_is_integer(value) || json_integer_value(value) <= 0)
		return err_field(p->e, ERR_INVALID, field, "%s must be a whole number over 0", field);
	if (json_integer_value(value) > limit_value(maxima, row))
		return err_field(p->e, ERR_INVALID, field, "%s is at most %" PRId64 " on this server", field,
				 limit_value(maxima, row));
	*limit_at(ret, row) = json_integer_value(value);
	return 0;
}

static int read_limits(const struct parse *p, const char *field, const struct limits *maxima,
		       struct limits *ret)
{
	json_t *object = json_object_get(p->root, field), *value;
	const char *key;

	if (!object)
		return 0;
	if (!json_is_object(object))
		return err_field(p->e, ERR_INVALID, field, "%s must be an object of whole numbers", field);
	json_object_foreach(object, key, value)
	{
		if (read_limit(p, field, key, value, maxima, ret) < 0)
			return -1;
	}
	return 0;
}

void submission_default_limits(const struct lang_limits *own, const struct limits *defaults,
			       const struct limits *maxima, struct limits *ret)
{
	*ret = (struct limits){ .cpu_ms = own->cpu_ms,
				.wall_ms = own->wall_ms,
				.memory_bytes = own->memory_bytes,
				.processes = own->processes,
				.output_bytes = own->output_bytes,
				.file_bytes = own->file_bytes,
				.disk_bytes = own->disk_bytes };
	limits_resolve(ret, defaults);
	for (size_t i = 0; i < n_limit_fields; i++) {
		int64_t max = limit_value(maxima, &limit_fields[i]), *value = limit_at(ret, &limit_fields[i]);

		if (*value > max)
			*value = max;
	}
}

static int read_all_limits(struct parse *p)
{
	const struct submission_policy *policy = p->policy;
	struct submission *s = p->s;

	submission_default_limits(&p->lang->limits, &policy->defaults, &policy->maxima, &s->limits);
	submission_default_limits(&p->lang->compile_limits, &policy->compile_defaults,
				  &policy->compile_maxima, &s->compile_limits);
	if (read_limits(p, "limits", &policy->maxima, &s->limits) < 0)
		return -1;
	return read_limits(p, "compileLimits", &policy->compile_maxima, &s->compile_limits);
}

static int read_submission(struct parse *p)
{
	if (!json_is_object(p->root))
		return err_set(p->e, ERR_INVALID, 0, "the body must be a JSON object");
	if (parse_check_fields(p, "", p->root, body_fields, sizeof(body_fields) / sizeof(char *)) < 0 ||
	    read_language(p) < 0 || parse_source(p) < 0 || parse_stdin(p) < 0 ||
	    read_strings(p, "args", &p->s->args) < 0 || read_env(p) < 0 || read_flags(p) < 0 ||
	    read_version(p) < 0)
		return -1;
	return read_all_limits(p);
}

struct submission *submission_parse(const char *body, size_t len, const struct submission_policy *policy,
				    struct err *e)
{
	/* Every honest body stays under this, with room for the sentence about one field too many. */
	size_t values_max = 256 + 8 * policy->files_max + 8 * policy->args_max;
	AUTO(submission_unref_p) struct submission *s = submission_new();
	struct parse p = {
		.policy = policy,
		.s = s,
		.e = e,
		.source = { "code and files together", policy->source_max, policy->source_max },
		.input = { "stdin", policy->stdin_max, policy->stdin_max },
		.strings_left = STRINGS_BYTES_MAX,
	};
	int status;

	if (!s) {
		parse_no_memory(e);
		return NULL;
	}
	p.root = body_load(body, len, values_max, e);
	if (!p.root)
		return NULL;
	status = read_submission(&p);
	json_decref(p.root);
	return status < 0 ? NULL : TAKE(s);
}
