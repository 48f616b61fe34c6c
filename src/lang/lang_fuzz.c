/* SPDX-License-Identifier: MIT */
/* Language files: what is accepted can be expanded, and holds what the header promises. */
#include <stdint.h>
#include <string.h>

#include "lang/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static void expand(const struct lang *l, const struct lang_argv *template)
{
	static const char *const names[] = { "main.x", "-o", "a/b.c" };
	const struct lang_values v = { .source = "-main",
				       .sources = names,
				       .n_sources = 3,
				       .flags = names,
				       .n_flags = 1,
				       .args = names,
				       .n_args = 2,
				       .memory_bytes = 1 << 28 };
	struct lang_argv argv = { 0 };

	must(lang_expand(l, template, &v, &argv) == 0);
	must(argv.n > 0 && !argv.items[argv.n]);
	lang_argv_done(&argv);
}

/* The file's author wrote it out, and so wants it; what must not happen is that "-W*" lets it in. */
static bool allows_linker_options(const struct lang *l)
{
	for (size_t i = 0; i < l->flags.n; i++) {
		if (strchr(l->flags.items[i], ','))
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lang l = { 0 };
	struct err e = { 0 };
	char *version = lang_find_version((const char *)data, size);

	if (version)
		must(lang_version_matches(version, version));
	free(version);
	if (lang_parse((const char *)data, size, "fuzz.json", &l, &e) < 0) {
		must(e.kind == ERR_INVALID && strncmp(e.msg, "fuzz.json", 9) == 0);
		return 0;
	}
	must(l.name && l.source && l.version_argv.n > 0);
	expand(&l, &l.run);
	if (l.compile.n > 0)
		expand(&l, &l.compile);
	must(allows_linker_options(&l) || !lang_flag_allowed(&l, "-Wl,-x/y"));
	lang_done(&l);
	return 0;
}
