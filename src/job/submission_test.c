/* SPDX-License-Identifier: MIT */
#include "job/submission.h"

#include "base/buf.h"
#include "base/unit.h"
#include "base/utf8.h"

static const char python_file[] =
	"{\"name\":\"python\",\"aliases\":[\"py\"],\"extensions\":[\".py\"],\"source\":\"main.py\","
	"\"run\":[\"python3\",\"{source}\"],\"version\":[\"python3\",\"--version\"],"
	"\"limits\":{\"processes\":9,\"memoryBytes\":999999}}";
static const char c_file[] =
	"{\"name\":\"c\",\"extensions\":[\".c\"],\"source\":\"main.c\","
	"\"compile\":{\"argv\":[\"gcc\",\"{sources}\",\"{flags}\"],\"artifacts\":[\"main\"],"
	"\"flags\":[\"-O2\",\"-W*\"]},\"run\":[\"./main\"],\"version\":[\"gcc\",\"--version\"]}";

static struct lang langs[2];
static const struct lang_table table = { langs, 2 };
static struct submission_policy policy = {
	.langs = &table,
	.source_max = 1000,
	.stdin_max = 500,
	.files_max = 20,
	.args_max = 10,
	.defaults = { 10000, 20000, 256, 64, 100, 640, 640 },
	.maxima = { 60000, 120000, 2000, 512, 1000, 6400, 6400 },
	.compile_defaults = { 30000, 60000, 1000, 128, 100, 2560, 2560 },
	.compile_maxima = { 120000, 240000, 4000, 512, 1000, 9999, 9999 },
};

static struct submission *parse(const char *body, struct err *e)
{
	return submission_parse(body, strlen(body), &policy, e);
}

static struct submission *parse_ok(const char *body)
{
	struct err e = { 0 };
	struct submission *s = parse(body, &e);

	if (!s)
		fail_msg("%s: %s", body, e.msg);
	assert_int_equal(s->refs, 1);
	return s;
}

/* Checks that the body is refused with this kind, field, and these words in the sentence. */
static void assert_refused(const char *body, enum err_kind kind, const char *field, const char *words)
{
	struct err e = { 0 };

	if (parse(body, &e))
		fail_msg("accepted: %.200s", body);
	if (e.kind != kind || strcmp(e.field, field) != 0 || !strstr(e.msg, words))
		fail_msg("%.200s: kind %d, field \"%s\": %s", body, (int)e.kind, e.field, e.msg);
}

TEST(code_and_language_are_enough)
{
	AUTO(submission_unref_p)
	struct submission *s = parse_ok("{\"code\":\"print(1)\",\"language\":\"PY\"}");

	assert_string_equal(s->language, "python");
	assert_null(s->version);
	assert_int_equal(s->n_files, 1);
	assert_string_equal(s->files[0].name, "main.py");
	assert_string_equal(s->files[0].content.data, "print(1)");
	assert_int_equal(s->input.len, 0);
	assert_int_equal(s->args.n + s->env.n + s->compiler_flags.n, 0);
	assert_int_equal(s->limits.cpu_ms, 10000);
	assert_int_equal(s->compile_limits.cpu_ms, 30000);
	assert_string_equal(s->id, "");
}

TEST(an_empty_program_is_a_program)
{
	AUTO(submission_unref_p) struct submission *s = parse_ok("{\"code\":\"\",\"language\":\"python\"}");

	assert_int_equal(s->files[0].content.len, 0);
}

TEST(every_field_arrives)
{
	AUTO(submission_unref_p)
	struct submission *s = parse_ok(
		"{\"language\":\"c\",\"files\":[{\"name\":\"prog.c\",\"content\":\"int\"},"
		"{\"name\":\"data/x\",\"content\":\"AP8=\",\"encoding\":\"base64\"}],"
		"\"stdin\":\"/w==\",\"stdinEncoding\":\"base64\",\"args\":[\"a\",\"\"],"
		"\"env\":{\"_A1\":\"x=y\",\"B\":\"\"},\"compilerFlags\":[\"-Wall\",\"-O2\"],\"version\":\"12."
		"2\","
		"\"limits\":{\"cpuMs\":1,\"diskBytes\":6400},\"compileLimits\":{\"wallMs\":240000}}");

	assert_int_equal(s->n_files, 2);
	assert_string_equal(s->files[0].name, "prog.c");
	assert_string_equal(s->files[1].name, "data/x");
	assert_int_equal(s->files[1].content.len, 2);
	assert_memory_equal(s->files[1].content.data, "\0\xff", 3);
	assert_int_equal(s->input.len, 1);
	assert_int_equal(s->args.n, 2);
	assert_string_equal(s->args.items[1], "");
	assert_int_equal(s->env.n, 2);
	assert_int_equal(s->compiler_flags.n, 2);
	assert_string_equal(s->version, "12.2");
	assert_int_equal(s->limits.cpu_ms, 1);
	assert_int_equal(s->limits.disk_bytes, 6400);
	assert_int_equal(s->limits.wall_ms, 20000);
	assert_int_equal(s->compile_limits.wall_ms, 240000);
}

TEST(environment_variables_are_joined)
{
	AUTO(submission_unref_p)
	struct submission *s = parse_ok("{\"code\":\"\",\"language\":\"python\",\"env\":{\"_A1\":\"x=y\"}}");

	assert_string_equal(s->env.items[0], "_A1=x=y");
}

TEST(code_is_the_main_file_before_the_others)
{
	AUTO(submission_unref_p)
	struct submission *s =
		parse_ok("{\"code\":\"m\",\"language\":\"c\",\"files\":["
			 "{\"name\":\"b.c\",\"content\":\"\"},{\"name\":\"a.c\",\"content\":\"x\"}]}");

	assert_int_equal(s->n_files, 3);
	assert_string_equal(s->files[0].name, "main.c");
	assert_string_equal(s->files[1].name, "b.c");
	assert_string_equal(s->files[2].name, "a.c");
}

TEST(code_and_stdin_may_hold_nul)
{
	AUTO(submission_unref_p)
	struct submission *s =
		parse_ok("{\"code\":\"a\\u0000b\",\"language\":\"python\",\"stdin\":\"\\u0000\"}");

	assert_int_equal(s->files[0].content.len, 3);
	assert_memory_equal(s->files[0].content.data, "a\0b", 3);
	assert_int_equal(s->input.len, 1);
}

TEST(a_language_sets_limits_below_the_maxima)
{
	AUTO(submission_unref_p) struct submission *s = parse_ok("{\"code\":\"\",\"language\":\"python\"}");

	assert_int_equal(s->limits.processes, 9);
	assert_int_equal(s->limits.memory_bytes, 2000);
}

TEST(a_known_toolchain_version_is_compared)
{
	AUTO(submission_unref_p) struct submission *s = NULL;

	langs[1].version = strdup("3.11.2");
	s = parse_ok("{\"code\":\"\",\"language\":\"python\",\"version\":\"3.11\"}");
	assert_refused("{\"code\":\"\",\"language\":\"python\",\"version\":\"3.1\"}", ERR_INVALID, "version",
		       "python 3.11.2, not 3.1");
	free(langs[1].version);
	langs[1].version = NULL;
	assert_string_equal(s->version, "3.11");
}

#define PY "\"code\":\"\",\"language\":\"python\""

TEST(what_cannot_be_used_is_refused_with_its_field)
{
	static const struct {
		const char *body, *field, *words;
	} rows[] = {
		{ "", "", "empty" },
		{ "   ", "", "ends before" },
		{ "nonsense", "", "not valid JSON" },
		{ "[]", "", "must be a JSON object" },
		{ "\"code\"", "", "" },
		{ "{" PY "}x", "", "goes on after" },
		{ "{" PY "} {}", "", "goes on after" },
		{ "{" PY, "", "ends before" },
		{ "{" PY ",\"code\":\"\"}", "", "same key twice" },
		{ "{" PY ",\"limits\":{\"cpuMs\":1,\"cpuMs\":2}}", "", "same key twice" },
		{ "{" PY ",\"stdin\":\"\xff\"}", "", "not valid UTF-8" },
		{ "{" PY ",\"stdin\":\"\xc0\x80\"}", "", "not valid UTF-8" },
		{ "{" PY ",\"stdin\":\"\\ud800\"}", "", "" },
		{ "{" PY ",\"a\\u0000\":1}", "", "NUL" },
		{ "{" PY ",\"limits\":{\"cpuMs\":99999999999999999999}}", "", "too large" },
		{ "{" PY ",\"colour\":1}", "colour", "colour is not a field" },
		{ "{" PY ",\"Code\":\"\"}", "Code", "not a field" },
		{ "{\"code\":\"\"}", "language", "missing" },
		{ "{\"code\":\"\",\"language\":null}", "language", "must be a string" },
		{ "{\"code\":\"\",\"language\":\"cobol\\n\"}", "language", "no language \"cobol?\"" },
		{ "{\"code\":\"\",\"language\":\"c\\u0000\"}", "language", "NUL" },
		{ "{\"language\":\"c\"}", "code", "nothing to run" },
		{ "{\"language\":\"c\",\"files\":[]}", "code", "nothing to run" },
		{ "{\"language\":\"c\",\"code\":null}", "code", "must be a string" },
		{ "{\"language\":\"c\",\"code\":7}", "code", "must be a string" },
		{ "{" PY ",\"files\":{}}", "files", "must be an array" },
		{ "{" PY ",\"files\":[3]}", "files", "files[0] must be an object" },
		{ "{" PY ",\"files\":[{\"name\":\"a\"}]}", "files[0].content", "must be a string" },
		{ "{" PY ",\"files\":[{\"content\":\"a\"}]}", "files[0].name", "must be a string" },
		{ "{" PY ",\"files\":[{\"name\":\"a\",\"content\":\"\",\"mode\":1}]}", "files[0].mode",
		  "not a field" },
		{ "{" PY ",\"files\":[{\"name\":\"a\",\"content\":\"\",\"encoding\":\"hex\"}]}",
		  "files[0].encoding", "\"utf8\" or \"base64\"" },
		{ "{" PY ",\"files\":[{\"name\":\"a\",\"content\":\"A\",\"encoding\":\"base64\"}]}",
		  "files[0].content", "not valid base64" },
		{ "{" PY
		  ",\"files\":[{\"name\":\"a\",\"content\":\"\"},{\"name\":\"../a\",\"content\":\"\"}]}",
		  "files[1].name", "\"..\"" },
		{ "{" PY ",\"files\":[{\"name\":\"a\\u0000b\",\"content\":\"\"}]}", "files[0].name",
		  "control" },
		{ "{" PY ",\"files\":[{\"name\":\"main.py\",\"content\":\"\"}]}", "files[0].name",
		  "main file, which code already gives" },
		{ "{" PY ",\"files\":[{\"name\":\"main.py/x\",\"content\":\"\"}]}", "files[0].name",
		  "both a file and a directory" },
		{ "{" PY ",\"files\":[{\"name\":\"x\",\"content\":\"\"},{\"name\":\"x\",\"content\":\"\"}]}",
		  "files[1].name", "two files have the name \"x\"" },
		{ "{" PY
		  ",\"files\":[{\"name\":\"a/b\",\"content\":\"\"},{\"name\":\"a-c\",\"content\":\"\"},"
		  "{\"name\":\"a\",\"content\":\"\"}]}",
		  "files[2].name", "\"a\" cannot be both" },
		{ "{" PY ",\"stdin\":5}", "stdin", "must be a string" },
		{ "{" PY ",\"stdin\":\"!!!!\",\"stdinEncoding\":\"base64\"}", "stdin", "not valid base64" },
		{ "{" PY ",\"stdin\":\"QR==\",\"stdinEncoding\":\"base64\"}", "stdin", "not valid base64" },
		{ "{" PY ",\"stdinEncoding\":\"latin1\"}", "stdinEncoding", "\"utf8\" or" },
		{ "{" PY ",\"args\":\"-v\"}", "args", "array of strings" },
		{ "{" PY ",\"args\":[\"a\",1]}", "args[1]", "must be a string" },
		{ "{" PY ",\"args\":[\"a\\u0000\"]}", "args[0]", "NUL" },
		{ "{" PY ",\"env\":[]}", "env", "object of strings" },
		{ "{" PY ",\"env\":{\"A\":1}}", "env.A", "must be a string" },
		{ "{" PY ",\"env\":{\"A\":\"\\u0000\"}}", "env.A", "NUL" },
		{ "{" PY ",\"env\":{\"A=B\":\"\"}}", "env.A=B", "letters, digits" },
		{ "{" PY ",\"env\":{\"1A\":\"\"}}", "env.1A", "letters, digits" },
		{ "{" PY ",\"env\":{\"\":\"\"}}", "env.", "letters, digits" },
		{ "{" PY ",\"compilerFlags\":[\"-O2\"]}", "compilerFlags", "python has no compile step" },
		{ "{\"code\":\"\",\"language\":\"c\",\"compilerFlags\":[\"-O2\",\"-Wl,-x\"]}",
		  "compilerFlags", "\"-Wl,-x\" is not allowed for c" },
		{ "{" PY ",\"version\":3}", "version", "must be a string" },
		{ "{" PY ",\"version\":\"\"}", "version", "digits and dots" },
		{ "{" PY ",\"version\":\">=3\"}", "version", "digits and dots" },
		{ "{" PY ",\"limits\":[]}", "limits", "object of whole numbers" },
		{ "{" PY ",\"limits\":{\"cpu\":1}}", "limits.cpu", "is not a limit" },
		{ "{" PY ",\"limits\":{\"cpuMs\":0}}", "limits.cpuMs", "whole number over 0" },
		{ "{" PY ",\"limits\":{\"cpuMs\":-1}}", "limits.cpuMs", "whole number over 0" },
		{ "{" PY ",\"limits\":{\"cpuMs\":1.0}}", "limits.cpuMs", "whole number over 0" },
		{ "{" PY ",\"limits\":{\"cpuMs\":1e3}}", "limits.cpuMs", "whole number over 0" },
		{ "{" PY ",\"limits\":{\"cpuMs\":\"5\"}}", "limits.cpuMs", "whole number over 0" },
		{ "{" PY ",\"limits\":{\"cpuMs\":null}}", "limits.cpuMs", "whole number over 0" },
		{ "{" PY ",\"limits\":{\"cpuMs\":60001}}", "limits.cpuMs", "at most 60000" },
		{ "{" PY ",\"limits\":{\"processes\":513}}", "limits.processes", "at most 512" },
		{ "{" PY ",\"compileLimits\":{\"cpuMs\":120001}}", "compileLimits.cpuMs", "at most 120000" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_refused(rows[i].body, ERR_INVALID, rows[i].field, rows[i].words);
}

/* A body with `n` times the letter x between two texts. */
static char *padded(const char *before, size_t n, const char *after)
{
	struct buf out;

	buf_init(&out, 1 << 24);
	assert_true(buf_add_str(&out, before));
	for (size_t i = 0; i < n; i++)
		assert_true(buf_add_char(&out, 'x'));
	assert_true(buf_add_str(&out, after));
	return buf_detach(&out, NULL);
}

TEST(sizes_are_exact_and_name_the_part)
{
	static const struct {
		const char *before, *after;
		size_t most;
		const char *part;
	} rows[] = {
		{ "{\"language\":\"c\",\"code\":\"", "\"}", 1000, "code" },
		{ "{\"language\":\"c\",\"code\":\"12345\",\"files\":[{\"name\":\"a\",\"content\":\"", "\"}]}",
		  995, "files[0].content" },
		{ "{" PY ",\"stdin\":\"", "\"}", 500, "stdin" },
		{ "{" PY ",\"args\":[\"", "\"]}", 128 * 1024 - 1, "args" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_FREE char *fits = padded(rows[i].before, rows[i].most, rows[i].after);
		AUTO_FREE char *over = padded(rows[i].before, rows[i].most + 1, rows[i].after);
		AUTO(submission_unref_p) struct submission *s = parse_ok(fits);

		assert_string_equal(s->language,
				    rows[i].most == 1000 || rows[i].most == 995 ? "c" : "python");
		assert_refused(over, ERR_LIMIT, rows[i].part, "");
	}
}

TEST(base64_is_measured_by_what_it_stands_for)
{
	/* 668 letters stand for 501 bytes, with one '=' for 500. */
	AUTO_FREE char *fits = padded("{" PY ",\"stdinEncoding\":\"base64\",\"stdin\":\"", 666, "w=\"}");
	AUTO_FREE char *over = padded("{" PY ",\"stdinEncoding\":\"base64\",\"stdin\":\"", 668, "\"}");
	AUTO(submission_unref_p) struct submission *s = parse_ok(fits);

	assert_int_equal(s->input.len, 500);
	assert_refused(over, ERR_LIMIT, "stdin", "at most 500 bytes");
}

/* `n` elements with commas. */
static char *repeated(const char *before, const char *element, size_t n, const char *after)
{
	struct buf out;

	buf_init(&out, 1 << 24);
	assert_true(buf_add_str(&out, before));
	for (size_t i = 0; i < n; i++)
		assert_true(buf_printf(&out, "%s%s", i ? "," : "", element));
	assert_true(buf_add_str(&out, after));
	return buf_detach(&out, NULL);
}

TEST(counts_have_a_bound)
{
	AUTO_FREE char *args = repeated("{" PY ",\"args\":[", "\"\"", 10, "]}");
	AUTO_FREE char *more = repeated("{" PY ",\"args\":[", "\"\"", 11, "]}");
	AUTO_FREE char *files =
		repeated("{" PY ",\"files\":[", "{\"name\":\"a\",\"content\":\"\"}", 21, "]}");
	AUTO_FREE char *flood = repeated("{" PY ",\"args\":[", "0", 100000, "]}");
	AUTO(submission_unref_p) struct submission *s = parse_ok(args);

	assert_int_equal(s->args.n, 10);
	assert_refused(more, ERR_LIMIT, "args", "too many");
	assert_refused(files, ERR_LIMIT, "files", "too many files");
	assert_refused(flood, ERR_LIMIT, "body", "too many values");
}

TEST(nesting_has_a_bound_that_strings_do_not_count_for)
{
	AUTO_FREE char *deep = repeated("{" PY ",\"args\":", "", 1, "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}");
	AUTO_FREE char *text = repeated("{\"language\":\"c\",\"code\":\"", "[[[[{{{{\\\"", 20, "\"}");
	AUTO(submission_unref_p) struct submission *s = parse_ok(text);

	assert_int_equal(s->files[0].content.len, 20 * 9 + 19);
	assert_refused(deep, ERR_INVALID, "", "more than 16 levels");
}

TEST(a_million_brackets_cost_nothing)
{
	AUTO_FREE char *body = malloc(1000001);
	struct err e = { 0 };

	memset(body, '[', 1000000);
	body[1000000] = '\0';
	assert_null(parse(body, &e));
	assert_int_equal(e.kind, ERR_INVALID);
}

TEST(a_sentence_never_cuts_a_character)
{
	AUTO_FREE char *body = repeated("{" PY ",\"", "\xe2\x82\xac", 30, "\":1}");
	struct err e = { 0 };

	assert_null(parse(body, &e));
	assert_true(utf8_is_valid(e.field, strlen(e.field)));
	assert_true(utf8_is_valid(e.msg, strlen(e.msg)));
	assert_non_null(strstr(e.field, "..."));
	assert_true(strlen(e.field) <= 43);
}

TEST(every_way_to_cut_a_body_is_refused)
{
	static const char body[] =
		"{\"language\":\"c\",\"code\":\"a\\n\",\"files\":[{\"name\":\"b\",\"content\":"
		"\"\xc3\xa4\"}],\"limits\":{\"cpuMs\":5},\"env\":{\"A\":\"b\"}}";

	for (size_t n = 0; n < sizeof(body) - 1; n++) {
		AUTO_FREE char *cut = malloc(n + 1);
		struct err e = { 0 };

		memcpy(cut, body, n);
		assert_null(submission_parse(cut, n, &policy, &e));
		assert_int_equal(e.kind, ERR_INVALID);
	}
}

TEST(file_names_stay_beneath_the_work_directory)
{
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
		{ "main.py", true },
		{ "a/b/c.txt", true },
		{ ".hidden", true },
		{ "...", true },
		{ "..a", true },
		{ "-o", true },
		{ "with space", true },
		{ "\xc3\xa4.py", true },
		{ "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", true },
		{ "", false },
		{ "/", false },
		{ "/etc/passwd", false },
		{ ".", false },
		{ "..", false },
		{ "./a", false },
		{ "a/.", false },
		{ "../a", false },
		{ "a/../b", false },
		{ "a/..", false },
		{ "a//b", false },
		{ "a/", false },
		{ "a\nb", false },
		{ "a\x7f", false },
		{ "a\xff", false },
		{ "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", false },
	};
	char longest[257];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };
		int status = submission_check_file_name(rows[i].name, strlen(rows[i].name), &e);

		if ((status == 0) != rows[i].good)
			fail_msg("\"%s\": %s", rows[i].name, e.msg);
		assert_int_equal(e.kind, rows[i].good ? ERR_NONE : ERR_INVALID);
	}
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(submission_check_file_name(longest, 255, NULL), 0);
	assert_int_equal(submission_check_file_name(longest, 256, NULL), -1);
	assert_int_equal(submission_check_file_name("a\0b", 3, NULL), -1);
}

static int read_languages(void **state)
{
	struct err e = { 0 };

	(void)state;
	return lang_parse(c_file, sizeof(c_file) - 1, "c.json", &langs[0], &e) < 0 ||
	       lang_parse(python_file, sizeof(python_file) - 1, "python.json", &langs[1], &e) < 0;
}

static int free_languages(void **state)
{
	(void)state;
	lang_done(&langs[0]);
	lang_done(&langs[1]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(code_and_language_are_enough),
		T(an_empty_program_is_a_program),
		T(every_field_arrives),
		T(environment_variables_are_joined),
		T(code_is_the_main_file_before_the_others),
		T(code_and_stdin_may_hold_nul),
		T(a_language_sets_limits_below_the_maxima),
		T(a_known_toolchain_version_is_compared),
		T(what_cannot_be_used_is_refused_with_its_field),
		T(sizes_are_exact_and_name_the_part),
		T(base64_is_measured_by_what_it_stands_for),
		T(counts_have_a_bound),
		T(nesting_has_a_bound_that_strings_do_not_count_for),
		T(a_million_brackets_cost_nothing),
		T(a_sentence_never_cuts_a_character),
		T(every_way_to_cut_a_body_is_refused),
		T(file_names_stay_beneath_the_work_directory),
	};

	return cmocka_run_group_tests(tests, read_languages, free_languages);
}
