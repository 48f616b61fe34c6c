/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "api/private.h"

int query_parse_wait(const char *text, int64_t max_s, int64_t *ret_ms, struct err *e)
{
	const int64_t max_ms = max_s * 1000;
	int64_t ms = 0, unit = 1000;
	const char *at = text;

	if (strcmp(text, "true") == 0) {
		*ret_ms = max_ms;
		return 0;
	}
	for (; *at >= '0' && *at <= '9'; at++)
		ms = ms > max_ms ? ms : ms * 10 + (int64_t)(*at - '0') * 1000;
	if (at > text && *at == '.' && at[1] != '\0') {
		for (at++; *at >= '0' && *at <= '9' && unit > 1; at++) {
			unit /= 10;
			ms += (*at - '0') * unit;
		}
	}
	if (at == text || *at != '\0')
		return err_field(e, ERR_INVALID, "wait",
				 "wait must be \"true\" or a number of seconds, such as 10 or 0.5");
	*ret_ms = ms < max_ms ? ms : max_ms;
	return 0;
}

static int parse_encoding(const char *text, enum output_encoding *ret, struct err *e)
{
	if (strcmp(text, "base64") == 0)
		*ret = OUTPUT_BASE64;
	else if (strcmp(text, "utf8") == 0)
		*ret = OUTPUT_TEXT;
	else
		return err_field(e, ERR_INVALID, "encoding", "encoding must be \"utf8\" or \"base64\"");
	return 0;
}

int query_read(const struct api *a, const struct http_request *q, int allowed, struct query *ret,
	       struct err *e)
{
	struct query found = { .encoding = OUTPUT_TEXT };

	for (int i = 0; i < q->n_params; i++) {
		const char *name = q->params[i].name, *value = q->params[i].value;
		int rc = 0;

		if ((allowed & QUERY_JOB_ID) && strcmp(name, "jobId") == 0)
			found.job_id = value;
		else if ((allowed & QUERY_WAIT) && strcmp(name, "wait") == 0)
			rc = query_parse_wait(value, a->options.conf->wait_max_s, &found.wait_ms, e);
		else if ((allowed & QUERY_ENCODING) && strcmp(name, "encoding") == 0)
			rc = parse_encoding(value, &found.encoding, e);
		else
			rc = err_field(e, ERR_INVALID, name, "this request has no query parameter \"%.64s\"",
				       name);
		if (rc < 0)
			return -1;
	}
	*ret = found;
	return 0;
}
