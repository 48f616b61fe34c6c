/* SPDX-License-Identifier: MIT */
#include "job/codec.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * The first byte says what follows and in which version; the two kinds share no value, so a row read as the
 * wrong kind is found at once. The form is canonical: what decodes encodes to the same bytes again, which the
 * fuzzer holds it to.
 */
#define SUBMISSION_V1 0x11
#define RESULT_V1     0x21
#define RESULT_V2     0x22 /* the same, of a worker that is not ours */
#define RESULT_V3     0x23 /* V1, and in what the container was weak */

/* ---- writing: every helper is false when the buffer is full ---- */

static bool put_u8(struct buf *out, uint8_t v)
{
	return buf_add(out, &v, sizeof(v));
}

static bool put_u32(struct buf *out, size_t v)
{
	uint32_t le = htole32((uint32_t)v);

	return v <= UINT32_MAX && buf_add(out, &le, sizeof(le));
}

static bool put_i64(struct buf *out, int64_t v)
{
	uint64_t le = htole64((uint64_t)v);

	return buf_add(out, &le, sizeof(le));
}

static bool put_bytes(struct buf *out, const void *data, size_t len)
{
	return put_u32(out, len) && buf_add(out, data, len);
}

static bool put_text(struct buf *out, const char *text)
{
	return put_bytes(out, text, strlen(text));
}

/* NULL stays apart from "". */
static bool put_optional(struct buf *out, const char *text)
{
	return put_u8(out, text != NULL) && (!text || put_text(out, text));
}

static bool put_strings(struct buf *out, const struct strings *s)
{
	if (!put_u32(out, s->n))
		return false;
	for (size_t i = 0; i < s->n; i++) {
		if (!put_text(out, s->items[i]))
			return false;
	}
	return true;
}

static bool put_limits(struct buf *out, const struct limits *l)
{
	for (size_t i = 0; i < n_limit_fields; i++) {
		if (!put_i64(out, limit_value(l, &limit_fields[i])))
			return false;
	}
	return true;
}

static bool put_files(struct buf *out, const struct submission *s)
{
	if (!put_u32(out, s->n_files))
		return false;
	for (size_t i = 0; i < s->n_files; i++) {
		if (!put_text(out, s->files[i].name) ||
		    !put_bytes(out, s->files[i].content.data, s->files[i].content.len))
			return false;
	}
	return true;
}

static bool put_submission(struct buf *out, const struct submission *s)
{
	return put_u8(out, SUBMISSION_V1) && put_text(out, s->id) && put_i64(out, s->created_ms) &&
	       put_text(out, s->language) && put_optional(out, s->version) && put_files(out, s) &&
	       put_bytes(out, s->input.data, s->input.len) && put_strings(out, &s->args) &&
	       put_strings(out, &s->env) && put_strings(out, &s->compiler_flags) &&
	       put_limits(out, &s->limits) && put_limits(out, &s->compile_limits);
}

static bool put_output(struct buf *out, const struct output *o)
{
	return put_u8(out, o->truncated) && put_bytes(out, o->data.data, o->data.len);
}

static bool put_step(struct buf *out, bool present, const struct step_result *step)
{
	if (!put_u8(out, present))
		return false;
	if (!present)
		return true;
	return put_u8(out, (uint8_t)step->verdict) && put_i64(out, step->exit_code) &&
	       put_i64(out, step->signal) && put_output(out, &step->out) && put_output(out, &step->err) &&
	       put_i64(out, step->cpu_us) && put_i64(out, step->wall_us) &&
	       put_i64(out, step->memory_bytes) && put_u8(out, step->cached);
}

static uint8_t result_version(const struct result *r)
{
	if (r->foreign)
		return RESULT_V2; /* what its worker is like is not known */
	return r->weak ? RESULT_V3 : RESULT_V1;
}

static bool put_result(struct buf *out, const struct result *r)
{
	uint8_t version = result_version(r);

	return put_u8(out, version) && put_text(out, r->id) && put_text(out, r->language) &&
	       put_optional(out, r->version) && put_u8(out, (uint8_t)r->verdict) &&
	       put_optional(out, r->message) && put_step(out, r->compiled, &r->compile) &&
	       put_step(out, r->ran, &r->run) && put_i64(out, r->created_ms) && put_i64(out, r->started_ms) &&
	       put_i64(out, r->finished_ms) && put_i64(out, r->attempts) &&
	       (version != RESULT_V3 || put_text(out, r->weak));
}

/* All or nothing, as the buf_ functions are. */
static bool whole(struct buf *out, size_t before, bool complete)
{
	if (!complete && out->data) {
		out->len = before;
		out->data[before] = '\0';
	}
	return complete;
}

bool submission_encode(struct buf *out, const struct submission *s)
{
	size_t before = out->len;

	return whole(out, before, put_submission(out, s));
}

bool result_encode(struct buf *out, const struct result *r)
{
	size_t before = out->len;

	return whole(out, before, put_result(out, r));
}

/* ---- reading ---- */

/*
 * A reader that fails once and for all: after the first bad field every helper answers with nothing, so a
 * decoder reads all its fields and looks at `failed` at the end. Counts are held against the bytes that are
 * left before anything is allocated for them.
 */
struct reader {
	const unsigned char *at;
	size_t left;
	bool failed;
	bool no_memory;
};

static const unsigned char *get(struct reader *r, size_t len)
{
	const unsigned char *at = r->at;

	if (r->failed || len > r->left) {
		r->failed = true;
		return NULL;
	}
	r->at += len;
	r->left -= len;
	return at;
}

static uint8_t get_u8(struct reader *r)
{
	const unsigned char *p = get(r, 1);

	return p ? *p : 0;
}

static bool get_bool(struct reader *r)
{
	uint8_t v = get_u8(r);

	r->failed |= v > 1;
	return v == 1;
}

static uint32_t get_u32(struct reader *r)
{
	const unsigned char *p = get(r, sizeof(uint32_t));
	uint32_t le;

	if (!p)
		return 0;
	memcpy(&le, p, sizeof(le));
	return le32toh(le);
}

static int64_t get_i64(struct reader *r)
{
	const unsigned char *p = get(r, sizeof(uint64_t));
	uint64_t le;

	if (!p)
		return 0;
	memcpy(&le, p, sizeof(le));
	return (int64_t)le64toh(le);
}

static int get_int(struct reader *r)
{
	int64_t v = get_i64(r);

	r->failed |= v < INT32_MIN || v > INT32_MAX;
	return r->failed ? 0 : (int)v;
}

/* A count of things of at least `each` bytes. */
static size_t get_count(struct reader *r, size_t each)
{
	size_t n = get_u32(r);

	r->failed |= n > r->left / each;
	return r->failed ? 0 : n;
}

static void out_of_memory(struct reader *r)
{
	r->failed = true;
	r->no_memory = true;
}

static void get_bytes(struct reader *r, struct bytes *ret)
{
	size_t len = get_u32(r);
	const unsigned char *p = get(r, len);

	if (p && !bytes_set(ret, p, len))
		out_of_memory(r);
}

/* NULL once failed. A NUL inside would make the text shorter than it says: refused. */
static char *get_text(struct reader *r)
{
	size_t len = get_u32(r);
	const char *p = (const char *)get(r, len);
	char *text;

	if (!p)
		return NULL;
	if (memchr(p, '\0', len)) {
		r->failed = true;
		return NULL;
	}
	text = strndup(p, len);
	if (!text)
		out_of_memory(r);
	return text;
}

static char *get_optional(struct reader *r)
{
	return get_bool(r) ? get_text(r) : NULL;
}

static void get_id(struct reader *r, char id[JOB_ID_SIZE])
{
	AUTO_FREE char *text = get_text(r);

	if (!text || strlen(text) >= JOB_ID_SIZE) {
		r->failed = true;
		return;
	}
	memcpy(id, text, strlen(text) + 1);
}

static void get_strings(struct reader *r, struct strings *ret)
{
	size_t n = get_count(r, sizeof(uint32_t));

	for (size_t i = 0; i < n && !r->failed; i++) {
		char *text = get_text(r);

		if (text && !strings_take(ret, text))
			out_of_memory(r);
	}
}

static void get_limits(struct reader *r, struct limits *ret)
{
	for (size_t i = 0; i < n_limit_fields; i++)
		*limit_at(ret, &limit_fields[i]) = get_i64(r);
}

static enum verdict get_verdict(struct reader *r)
{
	uint8_t v = get_u8(r);

	r->failed |= v >= VERDICT_COUNT;
	return r->failed ? VERDICT_INTERNAL_ERROR : (enum verdict)v;
}

static void get_files(struct reader *r, struct submission *s)
{
	size_t n = get_count(r, 2 * sizeof(uint32_t));

	if (n == 0) {
		r->failed = true; /* the main file is always there */
		return;
	}
	s->files = calloc(n, sizeof(*s->files));
	if (!s->files) {
		out_of_memory(r);
		return;
	}
	s->n_files = n;
	for (size_t i = 0; i < n && !r->failed; i++) {
		s->files[i].name = get_text(r);
		get_bytes(r, &s->files[i].content);
	}
}

static void get_output(struct reader *r, struct output *ret)
{
	ret->truncated = get_bool(r);
	get_bytes(r, &ret->data);
}

static bool get_step(struct reader *r, struct step_result *ret)
{
	if (!get_bool(r))
		return false;
	ret->verdict = get_verdict(r);
	ret->exit_code = get_int(r);
	ret->signal = get_int(r);
	get_output(r, &ret->out);
	get_output(r, &ret->err);
	ret->cpu_us = get_i64(r);
	ret->wall_us = get_i64(r);
	ret->memory_bytes = get_i64(r);
	ret->cached = get_bool(r);
	return true;
}

/* 0 when everything was read and nothing is left over. */
static int reader_end(const struct reader *r, const char *what, struct err *e)
{
	if (r->no_memory)
		return err_set(e, ERR_IO, ENOMEM, "read a stored %s", what);
	if (r->failed || r->left > 0)
		return err_set(e, ERR_CORRUPT, 0, "a stored %s is damaged", what);
	return 0;
}

static int check_version(struct reader *r, uint8_t known, const char *what, struct err *e)
{
	uint8_t version = get_u8(r);

	if (r->failed || version != known)
		return err_set(e, ERR_CORRUPT, 0,
			       "a stored %s is damaged or was written by a newer codecrusher (form 0x%02x)",
			       what, version);
	return 0;
}

struct submission *submission_decode(const void *data, size_t len, struct err *e)
{
	struct reader r = { .at = data, .left = len };
	AUTO(submission_unref_p) struct submission *s = submission_new();

	if (!s) {
		err_set(e, ERR_IO, ENOMEM, "read a stored submission");
		return NULL;
	}
	if (check_version(&r, SUBMISSION_V1, "submission", e) < 0)
		return NULL;
	get_id(&r, s->id);
	s->created_ms = get_i64(&r);
	s->language = get_text(&r);
	s->version = get_optional(&r);
	get_files(&r, s);
	get_bytes(&r, &s->input);
	get_strings(&r, &s->args);
	get_strings(&r, &s->env);
	get_strings(&r, &s->compiler_flags);
	get_limits(&r, &s->limits);
	get_limits(&r, &s->compile_limits);
	return reader_end(&r, "submission", e) < 0 ? NULL : TAKE(s);
}

struct result *result_decode(const void *data, size_t len, struct err *e)
{
	struct reader r = { .at = data, .left = len };
	AUTO(result_unref_p) struct result *res = result_new();
	uint8_t version;

	if (!res) {
		err_set(e, ERR_IO, ENOMEM, "read a stored result");
		return NULL;
	}
	version = len > 0 ? *(const unsigned char *)data : 0;
	res->foreign = version == RESULT_V2;
	if (check_version(&r, version == RESULT_V2 || version == RESULT_V3 ? version : RESULT_V1, "result",
			  e) < 0)
		return NULL;
	get_id(&r, res->id);
	res->language = get_text(&r);
	res->version = get_optional(&r);
	res->verdict = get_verdict(&r);
	res->message = get_optional(&r);
	res->compiled = get_step(&r, &res->compile);
	res->ran = get_step(&r, &res->run);
	res->created_ms = get_i64(&r);
	res->started_ms = get_i64(&r);
	res->finished_ms = get_i64(&r);
	res->attempts = get_int(&r);
	if (version == RESULT_V3)
		res->weak = get_text(&r);
	return reader_end(&r, "result", e) < 0 ? NULL : TAKE(res);
}
