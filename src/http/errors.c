/* SPDX-License-Identifier: MIT */
#include "http/errors.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static const int statuses[] = {
	[ERR_NONE] = 500,      [ERR_INVALID] = 400,	[ERR_NOT_FOUND] = 404, [ERR_CONFLICT] = 409,
	[ERR_LIMIT] = 413,     [ERR_BUSY] = 503,	[ERR_IO] = 500,	       [ERR_CORRUPT] = 500,
	[ERR_DISK_FULL] = 503, [ERR_UNSUPPORTED] = 501, [ERR_TOO_MANY] = 429,
};

int http_status_of(enum err_kind kind)
{
	return (size_t)kind < sizeof(statuses) / sizeof(statuses[0]) ? statuses[kind] : 500;
}

int http_retry_after(int status)
{
	return status == 503 || status == 429 ? 5 : 0;
}

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 204, "No Content" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

const char *http_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

static bool add_escaped(struct buf *out, char c)
{
	if (c == '"' || c == '\\')
		return buf_add_char(out, '\\') && buf_add_char(out, c);
	if ((unsigned char)c < 0x20 || c == 0x7f)
		return buf_printf(out, "\\u%04x", (unsigned)c);
	return buf_add_char(out, c);
}

bool http_add_json_string(struct buf *out, const char *text)
{
	struct buf clean;
	bool replaced, ok;

	/* Each byte becomes three at most. */
	buf_init(&clean, 3 * strlen(text) + 1);
	ok = utf8_add_replaced(&clean, text, strlen(text), &replaced) && buf_add_char(out, '"');
	for (size_t i = 0; ok && i < clean.len; i++)
		ok = add_escaped(out, clean.data[i]);
	buf_done(&clean);
	return ok && buf_add_char(out, '"');
}

bool http_add_error(struct buf *out, const char *status, const char *sentence, const char *field)
{
	bool ok = buf_add_str(out, "{\"success\":false,");

	if (status)
		ok = ok && buf_add_str(out, "\"status\":") && http_add_json_string(out, status) &&
		     buf_add_char(out, ',');
	ok = ok && buf_add_str(out, "\"error\":") && http_add_json_string(out, sentence);
	if (field && field[0])
		ok = ok && buf_add_str(out, ",\"field\":") && http_add_json_string(out, field);
	return ok && buf_add_char(out, '}');
}
