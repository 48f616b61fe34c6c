/* SPDX-License-Identifier: MIT */
#include "job/submission_write.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"

static bool add_escaped(struct buf *out, unsigned char c)
{
	if (c == '"' || c == '\\')
		return buf_add_char(out, '\\') && buf_add_char(out, (char)c);
	return buf_printf(out, "\\u%04x", c);
}

/* Valid UTF-8 only. */
static bool add_string(struct buf *out, const char *text, size_t len)
{
	size_t plain = 0;

	if (!buf_add_char(out, '"'))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		if (!buf_add(out, text + plain, i - plain) || !add_escaped(out, c))
			return false;
		plain = i + 1;
	}
	return (len == plain || buf_add(out, text + plain, len - plain)) && buf_add_char(out, '"');
}

static bool is_text(const struct bytes *b)
{
	return b->len == 0 || utf8_is_valid(b->data, b->len);
}

/* `"content":"…"`, and `"encoding":"base64"` after it when it is no text. */
static bool add_bytes(struct buf *out, const char *name, const char *encoding_name, const struct bytes *b)
{
	if (!buf_printf(out, "\"%s\":", name))
		return false;
	if (is_text(b))
		return add_string(out, b->len > 0 ? b->data : "", b->len);
	return buf_add_char(out, '"') && base64_add_encoded(out, b->data, b->len) &&
	       buf_printf(out, "\",\"%s\":\"base64\"", encoding_name);
}

static bool add_file(struct buf *out, const struct job_file *f)
{
	return buf_add_str(out, "{\"name\":") && add_string(out, f->name, strlen(f->name)) &&
	       buf_add_char(out, ',') && add_bytes(out, "content", "encoding", &f->content) &&
	       buf_add_char(out, '}');
}

static bool is_code(const struct submission *s, const struct lang_table *langs)
{
	const struct lang *l = lang_find(langs, s->language);

	return l && strcmp(s->files[0].name, l->source) == 0 && is_text(&s->files[0].content);
}

static bool add_files(struct buf *out, const struct submission *s, const struct lang_table *langs)
{
	size_t first = is_code(s, langs) ? 1 : 0;

	if (first > 0 && !(buf_add_char(out, ',') && add_bytes(out, "code", "", &s->files[0].content)))
		return false;
	if (first == s->n_files)
		return true;
	if (!buf_add_str(out, ",\"files\":["))
		return false;
	for (size_t i = first; i < s->n_files; i++) {
		if ((i > first && !buf_add_char(out, ',')) || !add_file(out, &s->files[i]))
			return false;
	}
	return buf_add_char(out, ']');
}

static bool add_strings(struct buf *out, const char *name, const struct strings *list)
{
	if (list->n == 0)
		return true;
	if (!buf_printf(out, ",\"%s\":[", name))
		return false;
	for (size_t i = 0; i < list->n; i++) {
		if ((i > 0 && !buf_add_char(out, ',')) ||
		    !add_string(out, list->items[i], strlen(list->items[i])))
			return false;
	}
	return buf_add_char(out, ']');
}

static bool add_env(struct buf *out, const struct strings *env)
{
	if (env->n == 0)
		return true;
	if (!buf_add_str(out, ",\"env\":{"))
		return false;
	for (size_t i = 0; i < env->n; i++) {
		const char *name = env->items[i], *value = strchr(name, '=');
		size_t len = value ? (size_t)(value - name) : strlen(name);

		value = value ? value + 1 : "";
		if ((i > 0 && !buf_add_char(out, ',')) || !add_string(out, name, len) ||
		    !buf_add_char(out, ':') || !add_string(out, value, strlen(value)))
			return false;
	}
	return buf_add_char(out, '}');
}

static bool add_limits(struct buf *out, const char *name, const struct limits *l)
{
	const char *comma = "";

	if (!buf_printf(out, ",\"%s\":{", name))
		return false;
	for (size_t i = 0; i < n_limit_fields; i++) {
		if (limit_value(l, &limit_fields[i]) <= 0)
			continue; /* not given: who runs it has a default */
		if (!buf_printf(out, "%s\"%s\":%" PRId64, comma, limit_fields[i].name,
				limit_value(l, &limit_fields[i])))
			return false;
		comma = ",";
	}
	return buf_add_char(out, '}');
}

bool submission_add_json(struct buf *out, const struct submission *s, const struct lang_table *langs)
{
	if (!buf_printf(out, "{\"language\":\"%s\"", s->language))
		return false;
	if (s->version && !buf_printf(out, ",\"version\":\"%s\"", s->version))
		return false;
	if (s->input.len > 0 &&
	    !(buf_add_char(out, ',') && add_bytes(out, "stdin", "stdinEncoding", &s->input)))
		return false;
	return add_files(out, s, langs) && add_strings(out, "args", &s->args) && add_env(out, &s->env) &&
	       add_strings(out, "compilerFlags", &s->compiler_flags) &&
	       add_limits(out, "limits", &s->limits) &&
	       add_limits(out, "compileLimits", &s->compile_limits) && buf_add_char(out, '}');
}
