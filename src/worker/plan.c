/* SPDX-License-Identifier: MIT */
#include "worker/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sandbox/spec.h"

bool plan_has_compile(const struct lang *l)
{
	return l->compile.n > 0;
}

static const char *const *borrowed(char *const *items)
{
	return (const char *const *)items;
}

static bool expand_argv(struct plan *p, const struct lang *l, const struct submission *s, bool compile)
{
	AUTO_FREE const char **names = calloc(s->n_files, sizeof(*names));
	struct lang_values values = {
		.source = s->files[0].name,
		.sources = names,
		.n_sources = s->n_files,
		.flags = borrowed(s->compiler_flags.items),
		.n_flags = s->compiler_flags.n,
		.memory_bytes = p->limits.memory_bytes,
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

bool plan_compile(struct plan *ret, const struct lang *l, const struct submission *s)
{
	const struct strings none = { 0 };
	struct plan p = { .image = l->image,
			  .limits = s->compile_limits,
			  .collect = borrowed(l->artifacts.items) };

	if (!expand_argv(&p, l, s, true) || !collect_env(&p, l, &none) || !collect_files(&p, l, s, false)) {
		plan_done(&p);
		return false;
	}
	*ret = p;
	return true;
}

bool plan_run(struct plan *ret, const struct lang *l, const struct submission *s)
{
	struct plan p = { .image = l->image, .limits = s->limits };

	if (!expand_argv(&p, l, s, false) || !collect_env(&p, l, &s->env) ||
	    !collect_files(&p, l, s, plan_has_compile(l))) {
		plan_done(&p);
		return false;
	}
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
		.collect = p->collect,
	};
}
