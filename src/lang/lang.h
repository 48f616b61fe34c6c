/* SPDX-License-Identifier: MIT */
/*
 * The languages: what the files in languages/ say, and what probing the toolchains found. Pure data. Adding a
 * language is adding a file; docs/languages.md documents the schema.
 *
 * In argv, {source} stands for the main file's name, {artifact} for the first of the compile step's
 * artifacts, {memoryMiB} for the memory limit; an element that is exactly {flags}, {args} or {sources} is
 * replaced by zero or more elements. Never a shell string.
 */
#ifndef LANG_LANG_H
#define LANG_LANG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

/* Limits a language sets differently; 0: as the server has them. Same order as struct limits in job/job.h,
 * which this layer must not use. */
struct lang_limits {
	int64_t cpu_ms, wall_ms, memory_bytes, processes, output_bytes, file_bytes, disk_bytes;
};

struct lang_argv {
	char **items; /* NULL-terminated */
	size_t n;
};

/* How headers that compilers read again and again are compiled ahead (worker/precompile.h). All empty when
 * the language says nothing about it. Each of the last three is a template of one element. */
#define LANG_PRECOMPILE_MAX 8
struct lang_precompile {
	struct lang_argv headers; /* "bits/stdc++.h" */
	struct lang_argv argv;	  /* makes {artifact} of {header} */
	struct lang_argv file;	  /* its name below {directory}: "{header}.gch" */
	struct lang_argv stub; /* the line of a file {directory}/{header}, for compilers that want the header
				  after all */
	struct lang_argv use;  /* what {precompiled} in `compile` becomes: "-isystem{directory}" */
};

struct lang {
	char *name;		     /* "python" */
	struct lang_argv aliases;    /* "py", "python3" */
	struct lang_argv extensions; /* ".py" */
	char *source;		     /* "main.py": the name `code` gets */
	struct lang_argv compile;    /* n == 0: there is no compile step */
	struct lang_argv artifacts;  /* patterns (fnmatch) of what the compile step hands to the run step */
	struct lang_argv flags; /* allowed compiler flags: exact, or with one '*' ("-W*": neither '/' nor ','
				   matched) */
	struct lang_precompile precompile;
	struct lang_argv run;
	struct lang_argv env; /* "NAME=value", for both steps */
	struct lang_argv version_argv;
	char *package; /* what to install when it is missing, or NULL */
	char *image;   /* for the Docker executor, or NULL */
	struct lang_limits limits, compile_limits;
	bool warm; /* its interpreter may be started before there is a program for it */

	/* Set at a server's start (cmd/spawning.c): which of the spawner's warm interpreters is this
	 * language's, counted from 1; 0: none. */
	unsigned warm_index;
	int64_t warm_file_bytes; /* the limit of files that it is started under */

	/* Set by probing (worker/probe.c): */
	bool available;
	char *version; /* "3.11.2", NULL while unknown */
};

struct lang_table {
	struct lang *langs; /* by name */
	size_t n;
};

/* Reads every *.json of the directory. An unreadable or wrong file stops the load with one line that names
 * file and field: a server that silently lacks a language helps nobody. */
struct lang_table *lang_table_load(const char *dir, struct err *e);
void lang_table_free(struct lang_table *t);
DEFINE_AUTO(struct lang_table, lang_table_free)

/* One file's text, for the loader and its fuzzer. `file` names it in errors. Fills *ret_lang, which
 * lang_done releases. */
int lang_parse(const char *text, size_t len, const char *file, struct lang *ret_lang, struct err *e);
void lang_done(struct lang *l);

/* By name or alias, case-insensitively; NULL when there is none. */
struct lang *lang_find(const struct lang_table *t, const char *name);
/* By a file name's extension; NULL when there is none. */
struct lang *lang_find_by_file(const struct lang_table *t, const char *file_name);

/* Whether the file name ends in one of the language's extensions. */
bool lang_is_source(const struct lang *l, const char *file_name);

/* Whether the flag is on the language's allow-list. */
bool lang_flag_allowed(const struct lang *l, const char *flag);

/* What an argv template is filled with. */
struct lang_values {
	const char *source;
	const char *const *sources; /* all submitted file names; {sources} takes those that lang_is_source
				       accepts, and `source` if it is among them */
	size_t n_sources;
	const char *const *flags;
	size_t n_flags;
	const char *const *args;
	size_t n_args;
	int64_t memory_bytes;
	const char *header;	 /* of lang_precompile's templates */
	const char *precompiled; /* directory with headers that are ready; NULL: none are, and {precompiled}
				    is nothing */
};

/* `args` belong to the run step: leave them empty for the compile step. A file name that could be read as an
 * option gets "./" in front.
 * Expands a template into a NULL-terminated array of owned strings (lang_argv_done frees it). `args` are
 * appended when the template has no {args}. -1 only when memory is short. */
int lang_expand(const struct lang *l, const struct lang_argv *template, const struct lang_values *v,
		struct lang_argv *ret_argv);
void lang_argv_done(struct lang_argv *a);

/* Finds the version in what the probe printed: the first run of digits and dots that holds a dot, else the
 * first number. The string is the caller's; NULL when there is none. */
char *lang_find_version(const char *text, size_t len);

/* Whether `asked` ("3", "3.11") is `version` ("3.11.2") or a prefix of it at a dot. */
bool lang_version_matches(const char *version, const char *asked);

#endif
