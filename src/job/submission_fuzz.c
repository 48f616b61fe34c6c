/* SPDX-License-Identifier: MIT */
/* Request bodies: what is accepted keeps every promise that the rest of the program relies on. */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "job/codec.h"
#include "job/submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char file[] =
	"{\"name\":\"c\",\"aliases\":[\"py\",\"python\"],\"extensions\":[\".c\"],\"source\":\"main.c\","
	"\"compile\":{\"argv\":[\"gcc\",\"{sources}\",\"{flags}\"],\"artifacts\":[\"main\"],"
	"\"flags\":[\"-O2\",\"-W*\"]},\"run\":[\"./main\"],\"version\":[\"gcc\",\"--version\"]}";

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static void check_accepted(const struct submission *s, const struct submission_policy *policy)
{
	size_t source = 0;

	must(s->refs == 1 && s->n_files > 0 && s->n_files <= policy->files_max + 1);
	for (size_t i = 0; i < s->n_files; i++) {
		source += s->files[i].content.len;
		must(submission_check_file_name(s->files[i].name, strlen(s->files[i].name), NULL) == 0);
	}
	must(source <= policy->source_max && s->input.len <= policy->stdin_max);
	must(s->args.n <= policy->args_max && s->env.n <= policy->args_max);
	for (size_t i = 0; i < s->compiler_flags.n; i++)
		must(lang_flag_allowed(&policy->langs->langs[0], s->compiler_flags.items[i]));
	for (size_t i = 0; i < n_limit_fields; i++) {
		int64_t value = limit_value(&s->limits, &limit_fields[i]);

		must(value > 0 && value <= limit_value(&policy->maxima, &limit_fields[i]));
	}
}

static void check_refused(const struct err *e)
{
	must(e->kind == ERR_INVALID || e->kind == ERR_LIMIT);
	must(e->msg[0] != '\0');
	/* Both go into a JSON answer. */
	must(utf8_is_valid(e->msg, strlen(e->msg)) && utf8_is_valid(e->field, strlen(e->field)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lang lang;
	static const struct lang_table table = { &lang, 1 };
	const struct submission_policy policy = {
		.langs = &table,
		.source_max = 200,
		.stdin_max = 100,
		.files_max = 8,
		.args_max = 8,
		.defaults = { 1, 2, 3, 4, 5, 6, 7 },
		.maxima = { 10, 20, 30, 40, 50, 60, 70 },
		.compile_defaults = { 1, 2, 3, 4, 5, 6, 7 },
		.compile_maxima = { 10, 20, 30, 40, 50, 60, 70 },
	};
	AUTO(submission_unref_p) struct submission *s = NULL;
	struct err e = { 0 };

	if (!lang.name)
		must(lang_parse(file, sizeof(file) - 1, "c.json", &lang, &e) == 0);
	s = submission_parse((const char *)data, size, &policy, &e);
	if (s)
		check_accepted(s, &policy);
	else
		check_refused(&e);
	return 0;
}
