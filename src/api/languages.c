/* SPDX-License-Identifier: MIT */
/* GET /api/v1/languages */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/private.h"

static json_t *strings(const struct lang_argv *a)
{
	json_t *array = json_array();

	for (size_t i = 0; i < a->n; i++)
		json_array_append_new(array, json_string(a->items[i]));
	return array;
}

static json_t *limits(const struct limits *l)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n_limit_fields; i++)
		json_object_set_new(object, limit_fields[i].name,
				    json_integer(limit_value(l, &limit_fields[i])));
	return object;
}

static json_t *limit_pair(const struct lang_limits *own, const struct limits *defaults,
			  const struct limits *maxima)
{
	struct limits resolved;

	submission_default_limits(own, defaults, maxima, &resolved);
	return json_pack("{s:o,s:o}", "default", limits(&resolved), "max", limits(maxima));
}

static json_t *language(const struct lang *l, const struct submission_policy *p)
{
	const char *package = l->available ? NULL : l->package;
	json_t *compile = NULL, *versions = json_array();

	if (l->available && l->version)
		json_array_append_new(versions, json_string(l->version));
	if (l->compile.n > 0)
		compile = limit_pair(&l->compile_limits, &p->compile_defaults, &p->compile_maxima);
	return json_pack("{s:s,s:o,s:o,s:o,s:b,s:s?,s:b,s:o,s:o}", "name", l->name, "aliases",
			 strings(&l->aliases), "extensions", strings(&l->extensions), "versions", versions,
			 "available", l->available, "package", package, "compiled", l->compile.n > 0,
			 "limits", limit_pair(&l->limits, &p->defaults, &p->maxima), "compileLimits",
			 compile ? compile : json_null());
}

void languages_get(struct http_exchange *x, const struct http_request *q, void *arg)
{
	struct api *a = arg;
	struct query none;
	struct err e;
	json_t *list;

	if (query_read(a, q, 0, &none, &e) < 0) {
		http_answer_err(x, &e);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < a->options.langs->n; i++)
		json_array_append_new(list, language(&a->options.langs->langs[i], &a->policy));
	api_answer_list(x, "languages", list);
}
