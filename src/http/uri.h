/* SPDX-License-Identifier: MIT */
/* Percent-decoding and query strings. In place, nothing is allocated. */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_PARAMS_MAX 16

struct http_param {
	const char *name;
	const char *value;
};

/* The digit's value, or -1. */
int http_hex_digit(char c);

/* Decodes `text` in place; text[*len] must be writable and becomes the NUL. With `plus`, '+' is a space (a
 * query). False for a '%' without two hex digits, a NUL, encoded or not, or bytes that are no UTF-8. */
bool http_percent_decode(char *text, size_t *len, bool plus);

/*
 * Splits and decodes a query in place; query[len] must be writable. "a&b=" gives two empty values, an empty
 * piece ("&&") is skipped. Returns the number of parameters, or -1 with a static sentence: a bad '%', more
 * than HTTP_PARAMS_MAX parameters, one without a name, or one given twice.
 */
int http_query_parse(char *query, size_t len, struct http_param params[HTTP_PARAMS_MAX],
		     const char **ret_why);

#endif
