/* SPDX-License-Identifier: MIT */
/* The part of a submission that is bytes: code, files and stdin. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "job/parse.h"

#define FILE_NAME_MAX	255
#define FILE_NAME_PARTS 16

static const char *const file_fields[] = { "name", "content", "encoding" };

static int read_encoding(const struct parse *p, json_t *value, const char *field, bool *ret_base64)
{
	const char *encoding;

	*ret_base64 = false;
	if (parse_plain_string(p, value, field, &encoding) < 0)
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

	buf_init(&out, len / 4 * 3);
	if (!base64_add_decoded(&out, text, len))
		return err_field(p->e, ERR_INVALID, field,
				 "%s is not valid base64 (padded, without line breaks)", field);
	if (out.len == 0)
		return 0;
	ret->data = buf_detach(&out, &ret->len);
	return ret->data ? 0 : parse_no_memory(p->e);
}

/* The bytes that a JSON string stands for, taken from what is left of `part`. */
static int read_bytes(const struct parse *p, json_t *value, const char *field, bool base64,
		      struct parse_part *part, struct bytes *ret)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (!json_is_string(value))
		return err_field(p->e, ERR_INVALID, field, "%s must be a string", field);
	if ((base64 ? decoded_size(text, len) : len) > part->left)
		return err_field(p->e, ERR_LIMIT, field,
				 "%s is too large: this server takes at most %zu bytes of %s", field,
				 part->max, part->name);
	if (base64 && decode_base64(p, text, len, field, ret) < 0)
		return -1;
	if (!base64 && !bytes_set(ret, text, len))
		return parse_no_memory(p->e);
	part->left -= ret->len;
	return 0;
}

static int read_code(struct parse *p, json_t *code)
{
	struct job_file *file = &p->s->files[0];

	p->s->n_files = 1;
	file->name = strdup(p->lang->source);
	if (!file->name)
		return parse_no_memory(p->e);
	return read_bytes(p, code, "code", false, &p->source, &file->content);
}

static int name_problem(struct err *e, const char *text)
{
	return err_set(e, ERR_INVALID, 0, "a file name must %s", text);
}

/* What no part of a name may be: a path through any of these leaves the work directory or has two names. */
static bool is_bad_part(const char *part, size_t n)
{
	return n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.');
}

static int check_parts(const char *name, size_t len, struct err *e)
{
	const char *part = name, *end = name + len;
	unsigned n_parts = 0;

	for (;;) {
		const char *slash = memchr(part, '/', (size_t)(end - part));

		if (is_bad_part(part, (size_t)((slash ? slash : end) - part)))
			return name_problem(e, "not have a part that is empty, \".\" or \"..\"");
		if (++n_parts > FILE_NAME_PARTS)
			return name_problem(e, "have at most 16 parts between slashes");
		if (!slash)
			return 0;
		part = slash + 1;
	}
}

int submission_check_file_name(const char *name, size_t len, struct err *e)
{
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
	return check_parts(name, len, e);
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
	return file->name ? 0 : parse_no_memory(p->e);
}

static int read_file(struct parse *p, size_t index, json_t *object, struct job_file *file)
{
	char field[40];
	bool base64;

	snprintf(field, sizeof(field), "files[%zu].", index);
	if (!json_is_object(object))
		return err_field(p->e, ERR_INVALID, "files",
				 "files[%zu] must be an object with name and content", index);
	if (parse_check_fields(p, field, object, file_fields, sizeof(file_fields) / sizeof(char *)) < 0 ||
	    read_file_name(p, index, json_object_get(object, "name"), file) < 0)
		return -1;
	snprintf(field, sizeof(field), "files[%zu].encoding", index);
	if (read_encoding(p, json_object_get(object, "encoding"), field, &base64) < 0)
		return -1;
	snprintf(field, sizeof(field), "files[%zu].content", index);
	return read_bytes(p, json_object_get(object, "content"), field, base64, &p->source, &file->content);
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
		return parse_no_memory(p->e);
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

int parse_source(struct parse *p)
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
		return parse_no_memory(p->e);
	if (code && read_code(p, code) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (read_file(p, i, json_array_get(files, i), &p->s->files[p->s->n_files++]) < 0)
			return -1;
	}
	return check_names_differ(p);
}

int parse_stdin(struct parse *p)
{
	json_t *value = json_object_get(p->root, "stdin");
	bool base64;

	if (read_encoding(p, json_object_get(p->root, "stdinEncoding"), "stdinEncoding", &base64) < 0)
		return -1;
	if (!value)
		return 0;
	return read_bytes(p, value, "stdin", base64, &p->input, &p->s->input);
}
