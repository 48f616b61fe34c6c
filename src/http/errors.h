/* SPDX-License-Identifier: MIT */
/* The one table from kinds of errors to HTTP, and the JSON of every error. */
#ifndef HTTP_ERRORS_H
#define HTTP_ERRORS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

int http_status_of(enum err_kind kind);
/* Seconds for Retry-After; 0: the answer has none. */
int http_retry_after(int status);
/* "Not Found" for 404. */
const char *http_reason(int status);

/* Adds "text" with quotes, escaped; bytes that are no UTF-8 are replaced. False when `out` is full. */
bool http_add_json_string(struct buf *out, const char *text);

/* Adds the object; `status` is the word for the member "status", or NULL; `field` may be "". */
bool http_add_error(struct buf *out, const char *status, const char *sentence, const char *field);

#endif
