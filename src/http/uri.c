/* SPDX-License-Identifier: MIT */
#include "http/uri.h"

#include <string.h>

#include "base/utf8.h"

int http_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool http_percent_decode(char *text, size_t *len, bool plus)
{
	size_t out = 0;

	for (size_t i = 0; i < *len; i++) {
		char c = text[i];

		if (c == '%') {
			int high, low;

			if (*len - i < 3)
				return false;
			high = http_hex_digit(text[i + 1]);
			low = http_hex_digit(text[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c == '\0')
			return false;
		text[out++] = c;
	}
	text[out] = '\0';
	*len = out;
	return utf8_is_valid(text, out);
}

static bool has_param(const struct http_param *params, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(params[i].name, name) == 0)
			return true;
	return false;
}

static bool parse_param(char *piece, size_t len, struct http_param *ret)
{
	char *eq = memchr(piece, '=', len);
	size_t name_len = eq ? (size_t)(eq - piece) : len;
	char *value = eq ? eq + 1 : piece + len;
	size_t value_len = eq ? len - name_len - 1 : 0;

	ret->name = piece;
	ret->value = value;
	/* The value first: the name's NUL may fall on the '=' before it, never into it. */
	return http_percent_decode(value, &value_len, true) && http_percent_decode(piece, &name_len, true);
}

int http_query_parse(char *query, size_t len, struct http_param params[HTTP_PARAMS_MAX], const char **ret_why)
{
	char *end = query + len, *next;
	int n = 0;

	for (char *piece = query; piece < end; piece = next) {
		char *amp = memchr(piece, '&', (size_t)(end - piece));
		char *piece_end = amp ? amp : end;

		next = piece_end + 1;
		if (piece_end == piece)
			continue;
		if (n == HTTP_PARAMS_MAX) {
			*ret_why = "There are too many query parameters.";
			return -1;
		}
		if (!parse_param(piece, (size_t)(piece_end - piece), &params[n])) {
			*ret_why = "The query is not percent-encoded UTF-8: '%' must be followed by two hex "
				   "digits, and not by 00.";
			return -1;
		}
		if (params[n].name[0] == '\0' || has_param(params, n, params[n].name)) {
			*ret_why = params[n].name[0] ? "A query parameter is given twice."
						     : "A query parameter has no name.";
			return -1;
		}
		n++;
	}
	return n;
}
