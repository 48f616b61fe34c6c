/* SPDX-License-Identifier: MIT */
/* Languages and submissions for this directory's tests. */
#ifndef WORKER_SAMPLE_H
#define WORKER_SAMPLE_H

#include "base/unit.h"

#include <string.h>

#include "job/job.h"
#include "lang/lang.h"

#define SAMPLE_PYTHON                                                                                 \
	"{\"name\":\"python\",\"extensions\":[\".py\"],\"source\":\"main.py\","                       \
	"\"run\":[\"python3\",\"{source}\",\"{memoryMiB}\"],\"env\":{\"A\":\"lang\",\"B\":\"lang\"}," \
	"\"version\":[\"python3\",\"--version\"],\"package\":\"python3\",\"image\":\"python:3\"}"

#define SAMPLE_C                                                                                        \
	"{\"name\":\"c\",\"extensions\":[\".c\"],\"source\":\"main.c\",\"compile\":{\"argv\":[\"gcc\"," \
	"\"-o\",\"{artifact}\",\"{sources}\",\"{flags}\"],\"artifacts\":[\"main\",\"*.so\"],"           \
	"\"flags\":[\"-O2\"]},\"run\":[\"./{artifact}\"],\"version\":[\"gcc\",\"-dumpfullversion\"],"   \
	"\"package\":\"gcc\",\"image\":\"gcc:14\"}"

static inline struct lang sample_lang(const char *text)
{
	struct err e = { 0 };
	struct lang l = { 0 };

	if (lang_parse(text, strlen(text), "sample.json", &l, &e) < 0)
		fail_msg("%s", e.msg);
	return l;
}

static inline struct submission *sample_submission(const char *language, const char *const *files)
{
	struct submission *s = submission_new();
	size_t n = 0;

	while (files[n])
		n++;
	assert_non_null(s);
	memcpy(s->id, "j00000000000000000000000001", sizeof("j00000000000000000000000001"));
	s->created_ms = 1000;
	s->language = strdup(language);
	s->files = calloc(n, sizeof(*s->files));
	s->n_files = n;
	for (size_t i = 0; i < n; i++) {
		s->files[i].name = strdup(files[i]);
		assert_true(bytes_set(&s->files[i].content, "text", 4));
	}
	s->limits = (struct limits){ 10000, 20000, 256 << 20, 64, 100, 1 << 20, 64 << 20 };
	s->compile_limits = (struct limits){ 30000, 60000, 1 << 30, 128, 200, 1 << 20, 256 << 20 };
	return s;
}

#endif
