/* SPDX-License-Identifier: MIT */
/* The settings in words: --help and docs/settings.md. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "conf/table.h"

#define TEXT_MAX (256 * 1024)

static const char *shown_default(const struct setting *s)
{
	return s->shown_default ? s->shown_default : s->value;
}

static const char *placeholder(const struct setting *s)
{
	switch (s->kind) {
	case SETTING_INT:
	case SETTING_MILLIS:
		return "N";
	case SETTING_SIZE:
		return "SIZE";
	case SETTING_CHOICE:
		return "WORD";
	case SETTING_PATH:
		return "PATH";
	case SETTING_HOST:
		return "ADDRESS";
	case SETTING_REDIS:
	case SETTING_MONGO:
		return "URL";
	case SETTING_TEXT:
	case SETTING_NAME:
		break;
	}
	return "TEXT";
}

static bool add_help_row(struct buf *out, const struct setting *s)
{
	char left[80];

	if (setting_is_heading(s))
		return buf_printf(out, "\n%s:\n", s->name);
	snprintf(left, sizeof(left), "%s %s", setting_flag(s), placeholder(s));
	if (!buf_printf(out, "  %-40s %s", left, s->help))
		return false;
	if (s->kind == SETTING_CHOICE && !(buf_add_str(out, ": ") && setting_add_range(out, s)))
		return false;
	return buf_printf(out, " (%s)\n", shown_default(s));
}

char *conf_help(void)
{
	AUTO(buf_done) struct buf out;

	buf_init(&out, TEXT_MAX);
	if (!buf_add_str(
		    &out,
		    "Settings. Each is a flag, and an environment variable that the flag overrides:\n"
		    "CODECRUSHER_MAX_QUEUE for --max-queue, but PORT, HOST, REDIS_URL and MONGO_URL have no\n"
		    "prefix. SIZE is in bytes, or with K, M, G. The default is in parentheses.\n"))
		return NULL;
	for (size_t i = 0; i < n_settings; i++) {
		if (!add_help_row(&out, &settings[i]))
			return NULL;
	}
	return buf_detach(&out, NULL);
}

static const char intro[] =
	"# Settings\n"
	"\n"
	"Every setting is an environment variable and a flag of `codecrusher serve`, `server` and `worker`; "
	"the\n"
	"flag wins. `CODECRUSHER_MAX_QUEUE=500` is `--max-queue 500` or `--max-queue=500`.\n"
	"\n"
	"- A setting that does not exist, or a value that cannot be used, stops the start with one line that "
	"says\n"
	"  which. Variables that begin with `CODECRUSHER_PORT` or `CODECRUSHER_SERVICE_` are ignored: "
	"Kubernetes\n"
	"  sets them for a Service of that name. An empty variable is the same as none.\n"
	"- Sizes are in bytes, or have one of the suffixes `K`, `M`, `G`, `T` (also `KiB` and so on), which "
	"are\n"
	"  powers of 1024. Times are in seconds where the name does not say `MS`.\n"
	"- A relative path begins at the directory in which the server is started.\n"
	"- A limit that nobody sets is never over its maximum: with `CODECRUSHER_LIMIT_CPU_MS_MAX=5000` "
	"alone,\n"
	"  programs get 5 s. One that is set over its maximum stops the start. The sizes of bodies follow "
	"each\n"
	"  other in the same way, and the file size limit follows the disk limit.\n"
	"\n"
	"This page is made from the table in `src/conf/table.c`; `build/src/conf/settings_doc` prints it.\n";

static bool add_markdown_row(struct buf *out, const struct setting *s)
{
	if (setting_is_heading(s))
		return buf_printf(out,
				  "\n## %s\n\n| Variable | Flag | Default | Values | Meaning |\n"
				  "|---|---|---|---|---|\n",
				  s->name);
	return buf_printf(out, "| `%s%s` | `%s` | %s | ", setting_prefix(s), s->name, setting_flag(s),
			  shown_default(s)) &&
	       setting_add_range(out, s) && buf_printf(out, " | %s |\n", s->help);
}

char *conf_markdown(void)
{
	AUTO(buf_done) struct buf out;

	buf_init(&out, TEXT_MAX);
	if (!buf_add_str(&out, intro))
		return NULL;
	for (size_t i = 0; i < n_settings; i++) {
		if (!add_markdown_row(&out, &settings[i]))
			return NULL;
	}
	return buf_detach(&out, NULL);
}
