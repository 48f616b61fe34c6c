/* SPDX-License-Identifier: MIT */
#include "worker/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sandbox/config.h"
#include "sandbox/spec.h"

bool plan_has_compile(const struct lang *l)
{
	return l->compile.n > 0;
}

static const char *const *borrowed(char *const *items)
{
	return (const char *const *)items;
}

static bool expand_argv(struct plan *p, const struct lang *l, const struct submission *s, bool compile,
			const char *precompiled)
{
	AUTO_FREE const char **names = calloc(s->n_files, sizeof(*names));
	struct lang_values values = {
		.source = s->files[0].name,
		.sources = names,
		.n_sources = s->n_files,
		.flags = borrowed(s->compiler_flags.items),
		.n_flags = s->compiler_flags.n,
		.memory_bytes = p->limits.memory_bytes,
		/* Made with the language's flags and no others. */
		.precompiled = s->compiler_flags.n == 0 ? precompiled : NULL,
	};

	if (!names)
		return false;
	for (size_t i = 0; i < s->n_files; i++)
		names[i] = s->files[i].name;
	if (!compile) {
		values.args = borrowed(s->args.items);
		values.n_args = s->args.n;
	}
	return lang_expand(l, compile ? &l->compile : &l->run, &values, &p->argv) == 0;
}

static bool same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len) == 0 && b[len] == '=';
}

/* A name is there once: which of two a program sees depends on the program. The newer one wins. */
static void set_env(const char **env, size_t *n, const char *assignment)
{
	for (size_t i = 0; i < *n; i++) {
		if (same_name(env[i], assignment)) {
			env[i] = assignment;
			return;
		}
	}
	env[(*n)++] = assignment;
}

static bool collect_env(struct plan *p, const struct lang *l, const struct strings *own)
{
	size_t n = 0;

	p->env = calloc(l->env.n + own->n + 1, sizeof(*p->env));
	if (!p->env)
		return false;
	for (size_t i = 0; i < l->env.n; i++)
		set_env(p->env, &n, l->env.items[i]);
	for (size_t i = 0; i < own->n; i++)
		set_env(p->env, &n, own->items[i]);
	return true;
}

/* The file set of the artifacts brings such a file along, maybe changed by the compiler; twice it would not
 * be unpacked. */
static bool is_artifact(const struct lang *l, const char *name)
{
	for (size_t i = 0; i < l->artifacts.n; i++) {
		if (collect_matches(l->artifacts.items[i], name))
			return true;
	}
	return false;
}

static bool collect_files(struct plan *p, const struct lang *l, const struct submission *s, bool only_data)
{
	p->files = calloc(s->n_files, sizeof(*p->files));
	if (!p->files)
		return false;
	for (size_t i = 0; i < s->n_files; i++) {
		const struct job_file *f = &s->files[i];

		if (only_data && (i == 0 || is_artifact(l, f->name)))
			continue;
		p->files[p->n_files++] = (struct exec_file){
			.name = f->name,
			.data = f->content.data,
			.len = f->content.len,
		};
	}
	return true;
}

bool plan_compile(struct plan *ret, const struct lang *l, const struct submission *s, const char *precompiled)
{
	const struct strings none = { 0 };
	struct plan p = { .image = l->image,
			  .limits = s->compile_limits,
			  .collect = borrowed(l->artifacts.items) };

	if (!expand_argv(&p, l, s, true, precompiled) || !collect_env(&p, l, &none) ||
	    !collect_files(&p, l, s, false)) {
		plan_done(&p);
		return false;
	}
	*ret = p;
	return true;
}

/* Below these an interpreter that was started under the usual limits could have what the job must not. */
#define WARM_MEMORY_MIN	   ((int64_t)64 << 20)
#define WARM_PROCESSES_MIN 32

/* One of the first two lines names an encoding: there an interpreter goes back to the file's beginning, which
 * the held one cannot (PEP 263 has the form). */
static bool names_an_encoding(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	if (end)
		end = memchr(end + 1, '\n', len - (size_t)(end + 1 - text));
	return memmem(text, end ? (size_t)(end - text) : len, "coding", strlen("coding"));
}

/* Ruby and Perl let a program read on in its main file behind such a line, which a FIFO cannot be asked to
 * do twice. Wherever it stands: a word too many costs some milliseconds. */
static bool reads_its_own_end(const char *text, size_t len)
{
	return memmem(text, len, "__END__", strlen("__END__"));
}

/* Text only: archives and byte code are told from programs by a second look at the file. */
static bool is_warm_source(const struct bytes *source)
{
	if (source->len == 0)
		return true;
	return source->len <= SANDBOX_WARM_SOURCE_MAX && !memchr(source->data, '\0', source->len) &&
	       !names_an_encoding(source->data, source->len) && !reads_its_own_end(source->data, source->len);
}

bool plan_is_warm(const struct lang *l, const struct submission *s)
{
	return l->warm_index > 0 && s->n_files == 1 && strcmp(s->files[0].name, l->source) == 0 &&
	       s->args.n == 0 && s->env.n == 0 && s->compiler_flags.n == 0 &&
	       s->input.len <= SANDBOX_WARM_INPUT_MAX && s->limits.memory_bytes >= WARM_MEMORY_MIN &&
	       s->limits.processes >= WARM_PROCESSES_MIN && s->limits.file_bytes == l->warm_file_bytes &&
	       is_warm_source(&s->files[0].content);
}

bool plan_run(struct plan *ret, const struct lang *l, const struct submission *s)
{
	struct plan p = { .image = l->image, .limits = s->limits };

	if (!expand_argv(&p, l, s, false, NULL) || !collect_env(&p, l, &s->env) ||
	    !collect_files(&p, l, s, plan_has_compile(l))) {
		plan_done(&p);
		return false;
	}
	p.warm = plan_is_warm(l, s) ? l->warm_index : 0;
	*ret = p;
	return true;
}

void plan_done(struct plan *p)
{
	lang_argv_done(&p->argv);
	free(p->env);
	free(p->files);
	*p = (struct plan){ 0 };
}

struct exec_spec plan_spec(const struct plan *p, const char *job)
{
	return (struct exec_spec){
		.job = job,
		.image = p->image,
		.argv = borrowed(p->argv.items),
		.env = p->env,
		.files = p->files,
		.n_files = p->n_files,
		.artifacts_fd = -1,
		.stdin_fd = -1,
		.limits = p->limits,
		.warm = p->warm,
		.collect = p->collect,
	};
}
