/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <string.h>

#include "queue/redis_internal.h"

#define DAY_MS ((int64_t)86400000)
#define MOST   1000 /* BullMQ's own default of keepJobs.limit */

static int64_t whole(const json_t *value, int64_t otherwise)
{
	if (!json_is_number(value) || json_number_value(value) < 0 || json_number_value(value) > 9e15)
		return otherwise;
	return (int64_t)json_number_value(value);
}

static int64_t number(json_t *object, const char *name, int64_t otherwise)
{
	return whole(json_object_get(object, name), otherwise);
}

/* true, false, a count, or {count, age, limit}; when the producer does not say, our own age. */
static struct keep read_keep(json_t *opts, const char *name, int64_t default_age_s)
{
	json_t *value = json_object_get(opts, name);
	struct keep k = { .count = -1, .age_s = -1, .most = MOST };

	if (json_is_true(value))
		k.count = 0;
	else if (json_is_integer(value))
		k.count = json_integer_value(value) >= 0 ? json_integer_value(value) : -1;
	else if (json_is_object(value))
		k = (struct keep){ .count = number(value, "count", -1),
				   .age_s = number(value, "age", -1),
				   .most = number(value, "limit", MOST) };
	else if (!json_is_false(value))
		k.age_s = default_age_s;
	return k;
}

static void read_backoff(struct held *h, json_t *backoff)
{
	const char *type = json_string_value(json_object_get(backoff, "type"));
	double jitter = json_number_value(json_object_get(backoff, "jitter"));

	h->backoff_ms = json_is_number(backoff) ? whole(backoff, 0) : number(backoff, "delay", 0);
	h->exponential = type && strcmp(type, "exponential") == 0;
	h->jitter = jitter > 0 && jitter <= 1 ? jitter : 0;
	if (h->backoff_ms > DAY_MS)
		h->backoff_ms = DAY_MS;
}

void opts_read(struct held *h, const char *json, size_t len, int64_t default_age_s)
{
	json_t *opts = json_loadb(json, len, 0, NULL);

	h->attempts = number(opts, "attempts", 1);
	if (h->attempts < 1)
		h->attempts = 1;
	h->lifo = json_is_true(json_object_get(opts, "lifo"));
	read_backoff(h, json_object_get(opts, "backoff"));
	h->completed = read_keep(opts, "removeOnComplete", default_age_s);
	h->failed = read_keep(opts, "removeOnFail", default_age_s);
	json_decref(opts);
}

/* `random` from 0 to 1. */
int64_t opts_backoff(const struct held *h, double random)
{
	int64_t ms = h->backoff_ms;
	double left;

	for (int64_t n = 0; h->exponential && n < h->made && ms < DAY_MS; n++)
		ms *= 2;
	left = (double)ms * (1 - h->jitter);
	return h->jitter > 0 ? (int64_t)(random * (double)ms * h->jitter + left) : ms;
}
