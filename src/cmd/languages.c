/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/languages_probe.h"
#include "cmd/paths.h"
#include "cmd/spawning.h"

struct listing {
	struct lang_table *langs;
	bool json;
	bool probed;
};

static json_t *strings_json(const struct lang_argv *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->n; i++)
		json_array_append_new(list, json_string(a->items[i]));
	return list;
}

static json_t *lang_json(const struct lang *l, bool probed)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(l->name));
	json_object_set_new(o, "aliases", strings_json(&l->aliases));
	json_object_set_new(o, "extensions", strings_json(&l->extensions));
	json_object_set_new(o, "available", probed ? json_boolean(l->available) : json_null());
	json_object_set_new(o, "version", l->version ? json_string(l->version) : json_null());
	json_object_set_new(o, "package", l->package ? json_string(l->package) : json_null());
	return o;
}

static int print_json(const struct listing *x)
{
	json_t *list = json_array();
	int rc;

	for (size_t i = 0; i < x->langs->n; i++)
		json_array_append_new(list, lang_json(&x->langs->langs[i], x->probed));
	rc = json_dumpf(list, stdout, JSON_INDENT(2));
	json_decref(list);
	putchar('\n');
	return rc == 0 ? EXIT_CODE_OK : cmd_fail(EXIT_CODE_FAILED, "writing the list failed");
}

static void print_row(const struct lang *l, bool probed)
{
	char state[160] = "not asked";

	if (probed && l->available)
		snprintf(state, sizeof(state), "%s", l->version ? l->version : "available");
	else if (probed && l->package)
		snprintf(state, sizeof(state), "missing: install %s", l->package);
	else if (probed)
		snprintf(state, sizeof(state), "missing");
	printf("%-12s %-10s %s", l->name, l->extensions.n ? l->extensions.items[0] : "", state);
	for (size_t i = 0; i < l->aliases.n; i++)
		printf("%s%s", i == 0 ? "  (also " : ", ", l->aliases.items[i]);
	puts(l->aliases.n ? ")" : "");
}

static int print_list(const struct listing *x)
{
	if (x->json)
		return print_json(x);
	for (size_t i = 0; i < x->langs->n; i++)
		print_row(&x->langs->langs[i], x->probed);
	return EXIT_CODE_OK;
}

static int in_container(struct local *l, void *arg)
{
	struct listing *x = arg;
	struct err e;

	if (languages_probe(l, x->langs, &e) < 0)
		return cmd_fail(EXIT_CODE_FAILED, "%s", e.msg);
	x->probed = true;
	return print_list(x);
}

static int list(struct conf *conf, bool json)
{
	AUTO_FREE char *dir = paths_languages_dir(conf);
	AUTO(lang_table_free_p) struct lang_table *langs = NULL;
	struct listing x = { .json = json };
	struct err e = { .msg = "out of memory" };

	x.langs = langs = dir ? lang_table_load(dir, &e) : NULL;
	if (!langs)
		return cmd_fail(EXIT_CODE_CONFIG, "%s", e.msg);
	if (geteuid() != 0) {
		fputs("codecrusher: only root asks the toolchains for their versions here\n", stderr);
		return print_list(&x);
	}
	cmd_be_quiet(conf);
	return local_run(conf, spawning_default_slots(), in_container, &x, EXIT_CODE_FAILED);
}

int cmd_languages(int argc, char *argv[])
{
	struct conf conf;
	bool json = false;
	int n = 0, code;

	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	code = cmd_load_conf("languages", n, argv, &conf);
	if (code != EXIT_CODE_OK)
		return code;
	code = list(&conf, json);
	conf_done(&conf);
	return code;
}
