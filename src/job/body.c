/* SPDX-License-Identifier: MIT */
#include "job/body.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define QUOTE_MAX 40

static const struct {
	enum json_error_code code;
	const char *text;
} sentences[] = {
	{ json_error_duplicate_key, "the body has the same key twice in one object" },
	{ json_error_invalid_utf8, "the body is not valid UTF-8" },
	{ json_error_end_of_input_expected, "the body goes on after its JSON value has ended" },
	{ json_error_premature_end_of_input, "the body ends before its JSON value is complete" },
	{ json_error_null_byte_in_key, "the body has a key with a NUL character" },
	{ json_error_numeric_overflow, "the body has a number that is too large" },
};

static void explain(const json_error_t *why, struct err *e)
{
	const char *text = "the body is not valid JSON";

	if (json_error_code(why) == json_error_out_of_memory) {
		err_set(e, ERR_BUSY, 0, "the server is short of memory; try again later");
		return;
	}
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
		if (sentences[i].code == json_error_code(why))
			text = sentences[i].text;
	}
	err_set(e, ERR_INVALID, 0, "%s (line %d, column %d)", text, why->line, why->column);
}

/* Where the string that begins at `at` ends: at its closing quote, or at `end`. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
	}
	return at;
}

/* Counts brackets and commas outside strings. What is no JSON at all may pass: the parser says so. */
static int check_shape(const char *at, size_t len, size_t values_max, struct err *e)
{
	const char *end = at + len;
	size_t depth = 0, values = 0;

	for (; at < end; at++) {
		switch (*at) {
		case '"':
			at = skip_string(at, end);
			break;
		case '{':
		case '[':
			values++;
			if (++depth > BODY_DEPTH_MAX)
				return err_set(e, ERR_INVALID, 0,
					       "the body is nested more than %d levels deep", BODY_DEPTH_MAX);
			break;
		case '}':
		case ']':
			depth -= depth > 0;
			break;
		case ',':
			values++;
			break;
		default:
			break;
		}
	}
	if (values > values_max)
		return err_field(e, ERR_LIMIT, "body",
				 "the body has too many values: this server takes at most %zu", values_max);
	return 0;
}

json_t *body_load(const char *body, size_t len, size_t values_max, struct err *e)
{
	json_error_t why;
	json_t *root;

	if (len == 0) {
		err_set(e, ERR_INVALID, 0, "the body is empty; send a JSON object");
		return NULL;
	}
	if (check_shape(body, len, values_max, e) < 0)
		return NULL;
	root = json_loadb(body, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	if (!root)
		explain(&why, e);
	return root;
}

void body_quote(char out[BODY_QUOTE_SIZE], const char *text, size_t len)
{
	size_t n = len < QUOTE_MAX ? len : QUOTE_MAX;

	/* Bytes 10xxxxxx continue a character. */
	while (n < len && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++)
		out[i] = iscntrl((unsigned char)text[i]) ? '?' : text[i];
	memcpy(out + n, n < len ? "..." : "", n < len ? 4 : 1);
}

_Static_assert(QUOTE_MAX + sizeof("...") <= BODY_QUOTE_SIZE, "the quote and its dots fit");
