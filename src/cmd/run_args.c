/* SPDX-License-Identifier: MIT */
#include "cmd/run_args.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int run_parse_amount(const char *text, int64_t *ret_amount)
{
	unsigned shift = 0;
	char *end;
	long long n;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || n <= 0)
		return -1;
	if (*end == 'K')
		shift = 10;
	else if (*end == 'M')
		shift = 20;
	else if (*end == 'G')
		shift = 30;
	if (end[shift ? 1 : 0] != '\0' || n > INT64_MAX >> shift)
		return -1;
	*ret_amount = (int64_t)n << shift;
	return 0;
}

static int parse_limit(const char *word, struct limits *l, struct err *e)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : 0;

	for (size_t i = 0; equals && i < n_limit_fields; i++) {
		const struct limit_field *f = &limit_fields[i];

		if (strlen(f->name) != len || memcmp(f->name, word, len) != 0)
			continue;
		if (run_parse_amount(equals + 1, limit_at(l, f)) < 0)
			return err_set(e, ERR_INVALID, 0,
				       "--limit %s: a positive whole number is needed (K, M, G may follow)",
				       word);
		return 0;
	}
	return err_set(
		e, ERR_INVALID, 0,
		"--limit %s: give NAME=NUMBER with a name out of cpuMs, wallMs, memoryBytes, processes, "
		"outputBytes, fileBytes, diskBytes",
		word);
}

/* If argv[*i] is `--name VALUE` or `--name=VALUE`: 1 and the value (advancing *i), -1 without one, else 0. */
static int option_value(const char *name, int argc, char *const argv[], int *i, const char **ret_value,
			struct err *e)
{
	size_t len = strlen(name);
	const char *word = argv[*i];

	if (strncmp(word, name, len) != 0)
		return 0;
	if (word[len] == '=') {
		*ret_value = word + len + 1;
		return 1;
	}
	if (word[len] != '\0')
		return 0;
	if (*i + 1 >= argc || !strcmp(argv[*i + 1], "--"))
		return err_set(e, ERR_INVALID, 0, "%s needs a value", name);
	*ret_value = argv[++*i];
	return 1;
}

static int parse_option(int argc, char *const argv[], int *i, struct run_args *a, struct err *e)
{
	const char *value;
	int found;

	if (!strcmp(argv[*i], "--summary")) {
		a->summary = true;
		return 0;
	}
	if ((found = option_value("--stdin", argc, argv, i, &a->stdin_path, e)) != 0)
		return found < 0 ? -1 : 0;
	if ((found = option_value("--lang", argc, argv, i, &a->language, e)) != 0)
		return found < 0 ? -1 : 0;
	if ((found = option_value("--flag", argc, argv, i, &value, e)) != 0) {
		if (found > 0)
			a->flags[a->n_flags++] = value;
		return found < 0 ? -1 : 0;
	}
	if ((found = option_value("--limit", argc, argv, i, &value, e)) != 0)
		return found < 0 ? -1 : parse_limit(value, &a->limits, e);
	return err_set(e, ERR_INVALID, 0, "unknown option %s (see codecrusher run --help)", argv[*i]);
}

static int parse_words(int argc, char *const argv[], struct run_args *a, struct err *e)
{
	int i;

	for (i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (argv[i][0] == '-' && argv[i][1] != '\0') {
			if (parse_option(argc, argv, &i, a, e) < 0)
				return -1;
		} else if (a->file) {
			return err_set(e, ERR_INVALID, 0,
				       "one FILE at a time: the program's own arguments go after --, as in "
				       "run %s -- %s",
				       a->file, argv[i]);
		} else {
			a->file = argv[i];
		}
	}
	for (i++; i < argc; i++)
		a->args[a->n_args++] = argv[i];
	if (!a->file)
		return err_set(e, ERR_INVALID, 0, "run needs a FILE (see codecrusher run --help)");
	return 0;
}

int run_args_parse(int argc, char *const argv[], struct run_args *ret_args, struct err *e)
{
	size_t room = (size_t)argc + 1;
	struct run_args a = { .flags = calloc(room, sizeof(*a.flags)),
			      .args = calloc(room, sizeof(*a.args)) };
	int rc;

	if (a.flags && a.args)
		rc = parse_words(argc, argv, &a, e);
	else
		rc = err_set(e, ERR_IO, ENOMEM, "reading the command line");
	if (rc < 0)
		run_args_done(&a);
	else
		*ret_args = a;
	return rc;
}

void run_args_done(struct run_args *a)
{
	free(a->flags);
	free(a->args);
	a->flags = a->args = NULL;
}

int run_exit_status(enum verdict v, int exit_code, int signal)
{
	switch (v) {
	case VERDICT_OK:
	case VERDICT_RUNTIME_ERROR:
	case VERDICT_WRONG_ANSWER:
		return signal > 0 ? RUN_EXIT_SIGNAL + signal : exit_code;
	case VERDICT_COMPILE_ERROR:
		return RUN_EXIT_COMPILE_ERROR;
	case VERDICT_CPU_TIME_LIMIT:
	case VERDICT_WALL_TIME_LIMIT:
		return RUN_EXIT_TIME_LIMIT;
	case VERDICT_MEMORY_LIMIT:
		return RUN_EXIT_MEMORY_LIMIT;
	case VERDICT_OUTPUT_LIMIT:
		return RUN_EXIT_OUTPUT_LIMIT;
	case VERDICT_CANCELLED:
	case VERDICT_INTERNAL_ERROR:
		break;
	}
	return RUN_EXIT_FAILED;
}
