/* SPDX-License-Identifier: MIT */
#include "cmd/warm.h"

#include <string.h>

#include "base/log.h"

/* Of each language, unless the setting says otherwise: idle interpreters are memory. */
#define SLOTS_BY_DEFAULT 8u
#define KEPT_BY_DEFAULT	 1u

static bool add_strings(struct sandbox_warm *w, const struct lang_argv *list)
{
	for (size_t i = 0; i < list->n; i++) {
		size_t size = strlen(list->items[i]) + 1;

		if (size > sizeof(w->text) - w->text_len)
			return false;
		memcpy(w->text + w->text_len, list->items[i], size);
		w->text_len += (uint32_t)size;
	}
	return true;
}

/* The command of a run with the language's own file name, no arguments and no environment of its own: what
 * plan_run (worker/plan.h) makes of a submission that plan_is_warm accepts. */
static bool describe(struct sandbox_warm *w, const struct lang *l)
{
	const char *sources[] = { l->source };
	const struct lang_values values = { .source = l->source, .sources = sources, .n_sources = 1 };
	struct lang_argv argv;
	bool fits;

	if (strlen(l->source) >= sizeof(w->source) || lang_expand(l, &l->run, &values, &argv) < 0)
		return false;
	memcpy(w->source, l->source, strlen(l->source) + 1);
	w->n_argv = (uint32_t)argv.n;
	w->n_env = (uint32_t)l->env.n;
	fits = add_strings(w, &argv) && add_strings(w, &l->env);
	lang_argv_done(&argv);
	return fits;
}

void warm_configure(struct sandbox_config *c, const struct conf *conf, struct lang_table *langs)
{
	uint32_t left = SANDBOX_MAX_POSITIONS - sandbox_plain_positions(c->slots);
	uint32_t wanted = conf->warm_slots >= 0 ? (uint32_t)conf->warm_slots : SLOTS_BY_DEFAULT;

	c->warm_memory_bytes = conf->warm_memory_bytes;
	for (size_t i = 0; i < langs->n; i++) {
		struct lang *l = &langs->langs[i];
		struct sandbox_warm w = { .slots = wanted < left ? wanted : left };

		w.keep = conf->warm_slots >= 0 || w.slots < KEPT_BY_DEFAULT ? w.slots : KEPT_BY_DEFAULT;
		l->warm_index = 0;
		if (!l->warm || w.slots == 0)
			continue;
		if (c->n_warm == SANDBOX_MAX_WARM || !describe(&w, l)) {
			log_info(NULL, "%s is not kept warm: there is no room for it", l->name);
			continue;
		}
		c->warm[c->n_warm++] = w;
		l->warm_index = c->n_warm;
		l->warm_file_bytes = c->usual.file_bytes;
		left -= w.slots;
	}
}
