/* SPDX-License-Identifier: MIT */
/* Return values of workers that are not ours: whatever they are, the result is stored, read back and told as
 * JSON. */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "job/codec.h"
#include "job/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static void check_json(const struct result *r, enum output_encoding encoding)
{
	AUTO(buf_done) struct buf text;
	json_t *json;

	buf_init(&text, (size_t)1 << 24);
	must(result_add_json(&text, r, encoding, true));
	json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	must(json_is_object(json) && json_is_string(json_object_get(json, "verdict")));
	json_decref(json);
}

static void check_stored(const struct result *r)
{
	AUTO(buf_done) struct buf once, twice;
	AUTO(result_unref_p) struct result *back = NULL;
	struct err e;

	buf_init(&once, (size_t)1 << 24);
	buf_init(&twice, (size_t)1 << 24);
	must(result_encode(&once, r));
	back = result_decode(once.data, once.len, &e);
	must(back && result_encode(&twice, back));
	must(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(result_unref_p) struct result *r = result_from_foreign("42", (const char *)data, size);

	must(r && r->foreign && (int)r->verdict >= 0 && r->verdict < VERDICT_COUNT);
	r->language = r->language ? r->language : strdup("");
	must(r->run.exit_code >= -1 && r->run.exit_code <= 255);
	must(r->run.cpu_us >= 0 && r->run.wall_us >= 0 && r->run.memory_bytes >= 0);
	check_json(r, OUTPUT_TEXT);
	check_json(r, OUTPUT_BASE64);
	check_stored(r);
	return 0;
}
