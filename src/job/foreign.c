/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <string.h>

#include "job/result.h"

static bool set_text(struct bytes *b, json_t *value)
{
	return !json_is_string(value) || json_string_length(value) == 0 ||
	       bytes_set(b, json_string_value(value), json_string_length(value));
}

static int64_t number_of(json_t *object, const char *name, double factor)
{
	double value = json_number_value(json_object_get(object, name)) * factor;

	return value > 0 && value < 9e15 ? (int64_t)value : 0;
}

static bool read_object(struct result *r, json_t *o)
{
	json_t *code = json_object_get(o, "exitCode"), *said = json_object_get(o, "message");

	if (!said && r->verdict != VERDICT_OK)
		said = json_object_get(o, "response");
	if (json_is_string(said) && !json_object_get(o, "stderr")) {
		r->message = strdup(json_string_value(said));
		if (!r->message)
			return false;
	}
	if (r->verdict == VERDICT_OK || json_is_integer(code)) {
		json_int_t status = json_integer_value(code); /* 0 for what is no integer */

		r->run.exit_code = status >= 0 && status <= 255 ? (int)status : 0;
	}
	r->run.cpu_us = number_of(o, "cpuMs", 1000);
	r->run.wall_us = number_of(o, "wallMs", 1000);
	r->run.memory_bytes = number_of(o, "memoryBytes", 1);
	return set_text(&r->run.out.data, json_object_get(o, "stdout")) &&
	       set_text(&r->run.err.data, json_object_get(o, "stderr"));
}

static bool read_value(struct result *r, json_t *value, const char *json, size_t len)
{
	const char *verdict = json_string_value(json_object_get(value, "verdict"));

	if (json_is_object(value) && verdict && verdict_from_name(verdict, &r->verdict)) {
		r->run.verdict = r->verdict;
		return read_object(r, value);
	}
	r->run.exit_code = 0;
	if (json_is_string(value))
		return set_text(&r->run.out.data, value);
	return len == 0 || bytes_set(&r->run.out.data, json, len);
}

struct result *result_from_foreign(const char *id, const char *json, size_t len)
{
	AUTO(result_unref_p) struct result *r = result_new();
	json_t *value = json_loadb(json, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	bool ok = false;

	if (r && strlen(id) < sizeof(r->id)) {
		memcpy(r->id, id, strlen(id) + 1);
		r->foreign = true;
		r->ran = true;
		r->verdict = r->run.verdict = VERDICT_OK;
		r->run.exit_code = -1;
		ok = read_value(r, value, json, len);
	}
	json_decref(value);
	return ok ? TAKE(r) : NULL;
}
