/* SPDX-License-Identifier: MIT */
#include "job/result.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/utf8.h"

/*
 * Written by hand and not with a JSON library: outputs are large, and here each byte is looked at once and
 * copied once. Every helper is false when `out` is full.
 */
struct writer {
	struct buf *out;
	enum output_encoding encoding;
	bool replaced;	 /* some bytes of the object being written were no UTF-8 */
	bool is_inline;	 /* response only where it says more than stdout */
	bool inline_cut; /* outputs were cut for it */
};

/* ---- values ---- */

static bool add_escape(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		return buf_add(out, "\\\"", 2);
	case '\\':
		return buf_add(out, "\\\\", 2);
	case '\n':
		return buf_add(out, "\\n", 2);
	case '\r':
		return buf_add(out, "\\r", 2);
	case '\t':
		return buf_add(out, "\\t", 2);
	default:
		return buf_printf(out, "\\u%04x", c);
	}
}

/* Valid UTF-8, quoted. */
static bool add_quoted(struct buf *out, const char *text, size_t len)
{
	size_t plain = 0;

	if (!buf_add_char(out, '"'))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		if (!buf_add(out, text + plain, i - plain) || !add_escape(out, c))
			return false;
		plain = i + 1;
	}
	return buf_add(out, text + plain, len - plain) && buf_add_char(out, '"');
}

static bool add_text(struct writer *w, const char *text, size_t len)
{
	struct buf clean;
	bool replaced, added;

	if (utf8_is_valid(text, len))
		return add_quoted(w->out, text, len);
	/* Each bad byte becomes at most the three bytes of U+FFFD. */
	buf_init(&clean, 3 * len);
	added = utf8_add_replaced(&clean, text, len, &replaced) &&
		add_quoted(w->out, buf_text(&clean), clean.len);
	buf_done(&clean);
	w->replaced |= replaced;
	return added;
}

static bool add_string(struct writer *w, const char *text)
{
	return text ? add_text(w, text, strlen(text)) : buf_add_str(w->out, "null");
}

/* What the program wrote, in the encoding that was asked for. */
static bool add_output(struct writer *w, const char *data, size_t len)
{
	if (w->encoding == OUTPUT_TEXT)
		return add_text(w, data, len);
	return buf_add_char(w->out, '"') && base64_add_encoded(w->out, data, len) &&
	       buf_add_char(w->out, '"');
}

static bool add_bytes(struct writer *w, const struct bytes *b)
{
	return add_output(w, b->len > 0 ? b->data : "", b->len);
}

/* Milliseconds with at most three decimals, from microseconds. */
static bool add_ms(struct buf *out, int64_t us)
{
	int64_t whole, rest;
	int digits = 3;

	if (us < 0)
		us = 0;
	whole = us / 1000;
	rest = us % 1000;
	if (rest == 0)
		return buf_printf(out, "%" PRId64, whole);
	for (; rest % 10 == 0; rest /= 10)
		digits--;
	return buf_printf(out, "%" PRId64 ".%0*d", whole, digits, (int)rest);
}

static bool add_time(struct buf *out, int64_t wall_ms)
{
	char text[CLOCK_RFC3339_SIZE];

	if (wall_ms == 0)
		return buf_add_str(out, "null");
	clock_format_rfc3339(wall_ms, text);
	return buf_printf(out, "\"%s\"", text);
}

static const char *bool_text(bool b)
{
	return b ? "true" : "false";
}

/* ---- the response ---- */

static const char *limit_sentence(enum verdict v)
{
	switch (v) {
	case VERDICT_CPU_TIME_LIMIT:
		return "was stopped: it used more CPU time than its limit";
	case VERDICT_WALL_TIME_LIMIT:
		return "was stopped: it ran longer than its limit";
	case VERDICT_MEMORY_LIMIT:
		return "was stopped: it needed more memory than its limit";
	case VERDICT_OUTPUT_LIMIT:
		return "was stopped: it wrote more output than its limit";
	case VERDICT_OK:
	case VERDICT_RUNTIME_ERROR:
	case VERDICT_COMPILE_ERROR:
	case VERDICT_WRONG_ANSWER:
	case VERDICT_CANCELLED:
	case VERDICT_INTERNAL_ERROR:
		break;
	}
	return NULL;
}

/* "The program was ended by SIGSEGV." for a step that says nothing itself. */
static void add_ending(struct buf *text, const char *who, const struct step_result *step, enum verdict v)
{
	const char *limit = limit_sentence(v);

	if (limit)
		(void)buf_printf(text, "%s %s.", who, limit);
	else if (step->signal != 0)
		(void)buf_printf(text, "%s was ended by %s.", who, signal_name(step->signal));
	else if (step->exit_code >= 0)
		(void)buf_printf(text, "%s ended with exit status %d and no message.", who, step->exit_code);
	else
		(void)buf_printf(text, "%s did not end by itself.", who);
}

static void add_sentence(struct buf *text, const struct result *r)
{
	if (r->message)
		(void)buf_add_str(text, r->message);
	else if (r->verdict == VERDICT_COMPILE_ERROR)
		add_ending(text, "The compiler", &r->compile, r->compile.verdict);
	else if (r->verdict == VERDICT_CANCELLED)
		(void)buf_add_str(text, "The job was cancelled.");
	else if (r->verdict == VERDICT_INTERNAL_ERROR)
		(void)buf_add_str(text, "The server could not run the job; the program is not to blame.");
	else if (r->verdict == VERDICT_WRONG_ANSWER)
		(void)buf_add_str(text, "The output is not the expected one.");
	else
		add_ending(text, "The program", &r->run, r->verdict);
}

static bool add_sentence_response(struct writer *w, const struct result *r)
{
	struct buf text;
	bool added;

	buf_init(&text, 64 * 1024);
	add_sentence(&text, r);
	added = add_output(w, buf_text(&text), text.len);
	buf_done(&text);
	return added;
}

/* The compiler's stderr, then its stdout: some compilers report on one, some on the other. */
static bool add_compiler_output(struct writer *w, const struct step_result *c)
{
	struct buf both;
	bool added;

	if (c->out.data.len == 0)
		return add_bytes(w, &c->err.data);
	if (c->err.data.len == 0)
		return add_bytes(w, &c->out.data);
	buf_init(&both, c->err.data.len + c->out.data.len);
	added = buf_add(&both, c->err.data.data, c->err.data.len) &&
		buf_add(&both, c->out.data.data, c->out.data.len) && add_output(w, both.data, both.len);
	buf_done(&both);
	return added;
}

static bool add_response(struct writer *w, const struct result *r)
{
	if (r->verdict == VERDICT_OK)
		return add_bytes(w, &r->run.out.data);
	if (r->verdict == VERDICT_COMPILE_ERROR && r->compile.out.data.len + r->compile.err.data.len > 0)
		return add_compiler_output(w, &r->compile);
	if (r->verdict == VERDICT_RUNTIME_ERROR && r->run.err.data.len > 0)
		return add_bytes(w, &r->run.err.data);
	return add_sentence_response(w, r);
}

/* ---- objects ---- */

static bool add_exit(struct writer *w, const struct step_result *step)
{
	struct buf *out = w->out;

	if (!buf_add_str(out, ",\"exitCode\":"))
		return false;
	if (step->exit_code < 0 ? !buf_add_str(out, "null") : !buf_printf(out, "%d", step->exit_code))
		return false;
	return buf_add_str(out, ",\"signal\":") && add_string(w, signal_name(step->signal));
}

/* What a step has in common with the whole result: its streams, how it ended, what it used. */
static bool add_step_fields(struct writer *w, const struct step_result *step)
{
	struct buf *out = w->out;

	return buf_add_str(out, ",\"stdout\":") && add_bytes(w, &step->out.data) &&
	       buf_add_str(out, ",\"stderr\":") && add_bytes(w, &step->err.data) && add_exit(w, step) &&
	       buf_printf(out, ",\"truncated\":{\"stdout\":%s,\"stderr\":%s},\"cpuMs\":",
			  bool_text(step->out.truncated), bool_text(step->err.truncated)) &&
	       add_ms(out, step->cpu_us) && buf_add_str(out, ",\"wallMs\":") && add_ms(out, step->wall_us) &&
	       buf_printf(out, ",\"memoryBytes\":%" PRId64, step->memory_bytes);
}

static bool add_replaced_flag(const struct writer *w)
{
	return !w->replaced || buf_add_str(w->out, ",\"encodingReplaced\":true");
}

static bool add_compile(struct writer *w, const struct result *r)
{
	struct writer inner = { .out = w->out, .encoding = w->encoding };

	if (!r->compiled)
		return buf_add_str(w->out, ",\"compile\":null");
	return buf_printf(w->out, ",\"compile\":{\"verdict\":\"%s\"", verdict_name(r->compile.verdict)) &&
	       add_step_fields(&inner, &r->compile) &&
	       buf_printf(w->out, ",\"cached\":%s", bool_text(r->compile.cached)) &&
	       add_replaced_flag(&inner) && buf_add_char(w->out, '}');
}

static bool add_times(struct buf *out, const struct result *r)
{
	/* A job that never started waited until its end. */
	int64_t waited = (r->started_ms != 0 ? r->started_ms : r->finished_ms) - r->created_ms;

	return buf_add_str(out, ",\"createdAt\":") && add_time(out, r->created_ms) &&
	       buf_add_str(out, ",\"startedAt\":") && add_time(out, r->started_ms) &&
	       buf_add_str(out, ",\"finishedAt\":") && add_time(out, r->finished_ms) &&
	       buf_printf(out, ",\"queueMs\":%" PRId64 ",\"attempts\":%d", waited > 0 ? waited : 0,
			  r->attempts);
}

static bool add_identity(struct writer *w, const struct result *r, bool with_state)
{
	struct buf *out = w->out;

	return buf_add_str(out, ",\"jobId\":") && add_string(w, r->id) &&
	       (!with_state || buf_add_str(out, ",\"state\":\"finished\"")) &&
	       buf_add_str(out, ",\"language\":") && add_string(w, r->language) &&
	       buf_add_str(out, ",\"version\":") && add_string(w, r->version) &&
	       buf_printf(out, ",\"verdict\":\"%s\"", verdict_name(r->verdict));
}

static bool add_head(struct writer *w, const struct result *r)
{
	if (!buf_printf(w->out, "{\"success\":true,\"status\":\"%s\"",
			r->verdict == VERDICT_OK ? "completed" : "failed"))
		return false;
	if (w->is_inline && r->verdict == VERDICT_OK)
		return true; /* it is stdout */
	return buf_add_str(w->out, ",\"response\":") && add_response(w, r);
}

/* "a,b" as ["a","b"]. */
static bool add_weak(struct writer *w, const char *list)
{
	const char *mark = ",\"weakIsolation\":[";

	if (!list || !*list)
		return true;
	for (; *list; list += strcspn(list, ","), list += *list == ',') {
		if (!buf_add_str(w->out, mark) || !add_text(w, list, strcspn(list, ",")))
			return false;
		mark = ",";
	}
	return buf_add_char(w->out, ']');
}

/* What is there only when it says something. */
static bool add_marks(struct writer *w, const struct result *r)
{
	struct buf *out = w->out;

	return (w->encoding == OUTPUT_TEXT || buf_add_str(out, ",\"encoding\":\"base64\"")) &&
	       (!r->foreign || buf_add_str(out, ",\"worker\":\"foreign\"")) && add_weak(w, r->weak) &&
	       (!w->inline_cut || buf_add_str(out, ",\"inlineCut\":true")) && add_replaced_flag(w);
}

static bool add_object(struct writer *w, const struct result *r, bool with_state)
{
	return add_head(w, r) && add_identity(w, r, with_state) && add_step_fields(w, &r->run) &&
	       add_compile(w, r) && add_times(w->out, r) && add_marks(w, r) && buf_add_char(w->out, '}');
}

bool result_add_json(struct buf *out, const struct result *r, enum output_encoding encoding, bool with_state)
{
	struct writer w = { .out = out, .encoding = encoding };

	return add_object(&w, r, with_state);
}

/* Not inside a character: what follows the cut must not make the rest unreadable. */
static bool cut(struct bytes *b, size_t max)
{
	size_t len = max;

	if (b->len <= max)
		return false;
	while (len > 0 && max - len < 3 && ((unsigned char)b->data[len] & 0xc0) == 0x80)
		len--;
	b->len = len;
	return true;
}

bool result_add_inline_json(struct buf *out, const struct result *r, size_t inline_max)
{
	struct result shorter = *r; /* borrows everything */
	struct writer w = { .out = out, .encoding = OUTPUT_TEXT, .is_inline = true };

	w.inline_cut |= cut(&shorter.run.out.data, inline_max);
	w.inline_cut |= cut(&shorter.run.err.data, inline_max);
	w.inline_cut |= cut(&shorter.compile.out.data, inline_max);
	w.inline_cut |= cut(&shorter.compile.err.data, inline_max);
	return add_object(&w, &shorter, false);
}

void result_add_sentence(struct buf *out, const struct result *r)
{
	if (r->verdict != VERDICT_OK)
		add_sentence(out, r);
}
