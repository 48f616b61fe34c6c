/* SPDX-License-Identifier: MIT */
#include "job/submission.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "job/body.h"

#define STRINGS_BYTES_MAX (128 * 1024) /* args, env and compilerFlags together */
#define FILE_NAME_MAX	  255
#define FILE_NAME_PARTS	  16

static const char *const body_fields[] = { "code",	    "language", "files",	"stdin",
					   "stdinEncoding", "args",	"env",		"compilerFlags",
					   "version",	    "limits",	"compileLimits" };
static const char *const file_fields[] = { "name", "content", "encoding" };

/* What is being filled, and how much of each budget is left. */
struct parse {
	json_t *root;
	const struct submission_policy *policy;
	const struct lang *lang;
	struct submission *s;
	struct err *e;
	size_t source_left;
	size_t strings_left;
	bool has_code;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_BUSY, 0, "the server is short of memory; try again later");
}

static int check_fields(const struct parse *p, const char *where, json_t *object, const char *const *fields,
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

/* A string without NUL. A missing field gives NULL and 0. */
static int plain_string(const struct parse *p, json_t *value, const char *field, const char **ret)
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

	if (plain_string(p, json_object_get(p->root, "language"), "language", &name) < 0)
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
	return p->s->language ? 0 : no_memory(p->e);
}

static int read_version(struct parse *p)
{
	const char *version;

	if (plain_string(p, json_object_get(p->root, "version"), "version", &version) < 0)
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
	return p->s->version ? 0 : no_memory(p->e);
}

/* ---- bytes: code, files, stdin ---- */

static int read_encoding(const struct parse *p, json_t *value, const char *field, bool *ret_base64)
{
	const char *encoding;

	*ret_base64 = false;
	if (plain_string(p, value, field, &encoding) < 0)
		return -1;
	if (!encoding || strcmp(encoding, "utf8") == 0)
		return 0;
	if (strcmp(encoding, "base64") != 0)
		return err_field(p->e, ERR_INVALID, field, "%s must be \"utf8\" or \"base64\"", field);
	*ret_base64 = true;
	return 0;
}

static size_t decoded_size(const char *text, size_t len)
{
	size_t padding = 0;

	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	return len / 4 * 3 >= padding ? len / 4 * 3 - padding : 0;
}

static int decode_base64(const struct parse *p, const char *text, size_t len, const char *field,
			 struct bytes *ret)
{
	AUTO(buf_done) struct buf out;

	buf_init(&out, decoded_size(text, len));
	if (!base64_add_decoded(&out, text, len))
		return err_field(p->e, ERR_INVALID, field,
				 "%s is not valid base64 (padded, without line breaks)", field);
	if (out.len == 0)
		return 0;
	ret->data = buf_detach(&out, &ret->len);
	return ret->data ? 0 : no_memory(p->e);
}

/* The bytes that a JSON string stands for, at most `max` of them; over it the error names `part`. */
static int read_bytes(const struct parse *p, json_t *value, const char *field, bool base64, const char *part,
		      size_t max, struct bytes *ret)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (!json_is_string(value))
		return err_field(p->e, ERR_INVALID, field, "%s must be a string", field);
	if ((base64 ? decoded_size(text, len) : len) > max)
		return err_field(p->e, ERR_LIMIT, part,
				 "%s is too large: this server takes at most %zu bytes of it", part,
				 strcmp(part, "source") == 0 ? p->policy->source_max : max);
	if (base64)
		return decode_base64(p, text, len, field, ret);
	return bytes_set(ret, text, len) ? 0 : no_memory(p->e);
}

static int read_code(struct parse *p, json_t *code)
{
	struct job_file *file = &p->s->files[0];

	p->s->n_files = 1;
	file->name = strdup(p->lang->source);
	if (!file->name)
		return no_memory(p->e);
	if (read_bytes(p, code, "code", false, "source", p->source_left, &file->content) < 0)
		return -1;
	p->source_left -= file->content.len;
	return 0;
}

static int name_problem(struct err *e, const char *text)
{
	return err_set(e, ERR_INVALID, 0, "a file name must %s", text);
}

int submission_check_file_name(const char *name, size_t len, struct err *e)
{
	const char *part = name, *end = name + len;
	unsigned n_parts = 0;

	if (len == 0 || len > FILE_NAME_MAX)
		return name_problem(e, "have 1 to 255 bytes");
	for (size_t i = 0; i < len; i++) {
		if (iscntrl((unsigned char)name[i]))
			return name_problem(e, "not contain control characters");
	}
	if (!utf8_is_valid(name, len))
		return name_problem(e, "be valid UTF-8");
	if (name[0] == '/')
		return name_problem(e, "be relative: without '/' at its beginning");
	for (;;) {
		const char *slash = memchr(part, '/', (size_t)(end - part));
		size_t n = (size_t)((slash ? slash : end) - part);

		if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
			return name_problem(e, "not have a part that is empty, \".\" or \"..\"");
		if (++n_parts > FILE_NAME_PARTS)
			return name_problem(e, "have at most 16 parts between slashes");
		if (!slash)
			return 0;
		part = slash + 1;
	}
}

static int read_file_name(struct parse *p, size_t index, json_t *value, struct job_file *file)
{
	struct err why = { 0 };
	char field[40];

	snprintf(field, sizeof(field), "files[%zu].name", index);
	if (!json_is_string(value))
		return err_field(p->e, ERR_INVALID, field, "%s must be a string", field);
	if (submission_check_file_name(json_string_value(value), json_string_length(value), &why) < 0)
		return err_field(p->e, ERR_INVALID, field, "%s: %s", field, why.msg);
	file->name = strdup(json_string_value(value));
	return file->name ? 0 : no_memory(p->e);
}

static int read_file(struct parse *p, size_t index, json_t *object, struct job_file *file)
{
	char field[40];
	bool base64;

	snprintf(field, sizeof(field), "files[%zu].", index);
	if (!json_is_object(object))
		return err_field(p->e, ERR_INVALID, "files",
				 "files[%zu] must be an object with name and content", index);
	if (check_fields(p, field, object, file_fields, sizeof(file_fields) / sizeof(char *)) < 0 ||
	    read_file_name(p, index, json_object_get(object, "name"), file) < 0)
		return -1;
	snprintf(field, sizeof(field), "files[%zu].encoding", index);
	if (read_encoding(p, json_object_get(object, "encoding"), field, &base64) < 0)
		return -1;
	snprintf(field, sizeof(field), "files[%zu].content", index);
	if (read_bytes(p, json_object_get(object, "content"), field, base64, "source", p->source_left,
		       &file->content) < 0)
		return -1;
	p->source_left -= file->content.len;
	return 0;
}

/* A '/' sorts before every other byte, so that "a" and all of "a/…" are neighbours ("a-b" is not between). */
static int compare_names(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (*a == '/' ? 1 : (unsigned char)*a) - (*b == '/' ? 1 : (unsigned char)*b);
}

static int by_file_name(const void *a, const void *b)
{
	return compare_names((*(struct job_file *const *)a)->name, (*(struct job_file *const *)b)->name);
}

static int clash(const struct parse *p, const struct job_file *a, const struct job_file *b)
{
	bool same = strcmp(a->name, b->name) == 0;
	const struct job_file *later = a > b ? a : b;
	char field[40], quoted[BODY_QUOTE_SIZE];

	snprintf(field, sizeof(field), "files[%zu].name",
		 (size_t)(later - p->s->files) - (p->has_code ? 1 : 0));
	body_quote(quoted, a->name, strlen(a->name));
	if (!same)
		return err_field(p->e, ERR_INVALID, field, "\"%s\" cannot be both a file and a directory",
				 quoted);
	if (p->has_code && (a == p->s->files || b == p->s->files))
		return err_field(p->e, ERR_INVALID, field,
				 "\"%s\" is the main file, which code already gives", quoted);
	return err_field(p->e, ERR_INVALID, field, "two files have the name \"%s\"", quoted);
}

static int check_names_differ(const struct parse *p)
{
	const struct submission *s = p->s;
	AUTO_FREE const struct job_file **sorted = calloc(s->n_files, sizeof(struct job_file *));

	if (!sorted)
		return no_memory(p->e);
	for (size_t i = 0; i < s->n_files; i++)
		sorted[i] = &s->files[i];
	qsort(sorted, s->n_files, sizeof(struct job_file *), by_file_name);
	for (size_t i = 1; i < s->n_files; i++) {
		const char *name = sorted[i - 1]->name, *next = sorted[i]->name;
		size_t len = strlen(name);

		if (strncmp(name, next, len) == 0 && (next[len] == '\0' || next[len] == '/'))
			return clash(p, sorted[i - 1], sorted[i]);
	}
	return 0;
}

static int read_source(struct parse *p)
{
	json_t *code = json_object_get(p->root, "code"), *files = json_object_get(p->root, "files");
	size_t n = json_array_size(files);

	p->has_code = code != NULL;
	if (files && !json_is_array(files))
		return err_field(p->e, ERR_INVALID, "files", "files must be an array");
	if (!code && n == 0)
		return err_field(p->e, ERR_INVALID, "code", "there is nothing to run: send code, or files");
	if (n > p->policy->files_max)
		return err_field(p->e, ERR_LIMIT, "files",
				 "there are too many files: this server takes at most %zu",
				 p->policy->files_max);
	p->s->files = calloc(n + 1, sizeof(*p->s->files));
	if (!p->s->files)
		return no_memory(p->e);
	if (code && read_code(p, code) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (read_file(p, i, json_array_get(files, i), &p->s->files[p->s->n_files++]) < 0)
			return -1;
	}
	return check_names_differ(p);
}

static int read_stdin(struct parse *p)
{
	json_t *value = json_object_get(p->root, "stdin");
	bool base64;

	if (read_encoding(p, json_object_get(p->root, "stdinEncoding"), "stdinEncoding", &base64) < 0)
		return -1;
	if (!value)
		return 0;
	return read_bytes(p, value, "stdin", base64, "stdin", p->policy->stdin_max, &p->s->input);
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
		if (plain_string(p, value, element, &text) < 0 ||
		    take_strings_budget(p, field, strlen(text)) < 0)
			return -1;
		if (!strings_add(ret, text))
			return no_memory(p->e);
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
	if (plain_string(p, value, field, &text) < 0 ||
	    take_strings_budget(p, "env", strlen(name) + 1 + strlen(text)) < 0)
		return -1;
	if (asprintf(&pair, "%s=%s", name, text) < 0 || !strings_take(&p->s->env, pair))
		return no_memory(p->e);
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
	if (check_fields(p, "", p->root, body_fields, sizeof(body_fields) / sizeof(char *)) < 0 ||
	    read_language(p) < 0 || read_source(p) < 0 || read_stdin(p) < 0 ||
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
		.source_left = policy->source_max,
		.strings_left = STRINGS_BYTES_MAX,
	};
	int status;

	if (!s) {
		no_memory(e);
		return NULL;
	}
	p.root = body_load(body, len, values_max, e);
	if (!p.root)
		return NULL;
	status = read_submission(&p);
	json_decref(p.root);
	return status < 0 ? NULL : TAKE(s);
}
