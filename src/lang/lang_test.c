/* SPDX-License-Identifier: MIT */
#include "lang/lang.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/unit.h"

#define HEAD "{\"name\":\"x\",\"extensions\":[\".x\"],\"source\":\"main.x\","
#define TAIL "\"run\":[\"x\",\"{source}\"],\"version\":[\"x\",\"-v\"]}"

static int parse(const char *text, struct lang *l, struct err *e)
{
	return lang_parse(text, strlen(text), "x.json", l, e);
}

static struct lang parse_ok(const char *text)
{
	struct lang l = { 0 };
	struct err e = { 0 };

	if (parse(text, &l, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	return l;
}

/* The elements of an argv with '|' between them. */
static const char *joined(const struct lang_argv *argv)
{
	static char text[1000];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < argv->n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? "|" : "", argv->items[i]);
	if (argv->n > 0)
		assert_null(argv->items[argv->n]);
	return text;
}

TEST(a_small_file_is_a_language)
{
	AUTO(lang_done) struct lang l = parse_ok(HEAD TAIL);

	assert_string_equal(l.name, "x");
	assert_string_equal(l.source, "main.x");
	assert_string_equal(joined(&l.run), "x|{source}");
	assert_int_equal(l.compile.n, 0);
	assert_null(l.package);
	assert_null(l.version);
	assert_false(l.available);
	assert_int_equal(l.limits.cpu_ms, 0);
}

TEST(an_interpreter_that_can_wait_is_marked)
{
	static const char *const bad[] = {
		HEAD "\"warm\":1," TAIL,
		HEAD "\"warm\":true,\"run\":[\"x\"],\"version\":[\"x\"]}",
		HEAD "\"warm\":true,\"run\":[\"x\",\"{source}\",\"{memoryMiB}\"],\"version\":[\"x\"]}",
		HEAD "\"warm\":true,\"compile\":{\"argv\":[\"c\"],\"artifacts\":[\"a\"]}," TAIL,
	};
	AUTO(lang_done) struct lang yes = parse_ok(HEAD "\"warm\":true," TAIL);
	AUTO(lang_done) struct lang no = parse_ok(HEAD "\"warm\":false," TAIL);

	assert_true(yes.warm);
	assert_false(no.warm);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lang l;
		struct err e = { 0 };

		assert_int_equal(parse(bad[i], &l, &e), -1);
		assert_string_equal(e.field, "warm");
	}
}

TEST(every_field_of_a_file_arrives)
{
	AUTO(lang_done)
	struct lang l = parse_ok(
		HEAD "\"aliases\":[\"x++\"],\"compile\":{\"argv\":[\"xc\",\"{sources}\",\"{flags}\"],"
		     "\"artifacts\":[\"main\",\"*.class\"],\"flags\":[\"-O2\",\"-W*\"]},"
		     "\"env\":{\"X_HOME\":\"/opt/x\"},\"package\":\"x-dev\",\"image\":\"x:1\","
		     "\"limits\":{\"cpuMs\":1,\"diskBytes\":7},\"compileLimits\":{\"wallMs\":9},"
		     "\"run\":[\"./{artifact}\",\"-m{memoryMiB}\",\"{args}\"],\"version\":[\"x\"]}");

	assert_string_equal(joined(&l.aliases), "x++");
	assert_string_equal(joined(&l.compile), "xc|{sources}|{flags}");
	assert_string_equal(joined(&l.artifacts), "main|*.class");
	assert_string_equal(joined(&l.flags), "-O2|-W*");
	assert_string_equal(joined(&l.env), "X_HOME=/opt/x");
	assert_string_equal(l.package, "x-dev");
	assert_string_equal(l.image, "x:1");
	assert_int_equal(l.limits.cpu_ms, 1);
	assert_int_equal(l.limits.disk_bytes, 7);
	assert_int_equal(l.compile_limits.wall_ms, 9);
}

#define AHEAD(compile, headers, argv, file, rest)                                                           \
	HEAD "\"compile\":{\"argv\":" compile ",\"artifacts\":[\"a\"],\"precompile\":{\"headers\":" headers \
	     ",\"argv\":" argv ",\"file\":" file "," rest "}}," TAIL
#define USED "[\"c\",\"{precompiled}\",\"{flags}\"]"
#define MAKE "[\"c\",\"{header}\",\"{artifact}\"]"
#define REST "\"stub\":\"#include <{header}>\",\"use\":\"-I{directory}\""

TEST(headers_to_be_compiled_ahead_are_told_to_the_compiler_when_they_are_ready)
{
	AUTO(lang_done) struct lang l = parse_ok(AHEAD(USED, "[\"a/b.h\"]", MAKE, "\"{header}.p\"", REST));
	const char *flags[] = { "-x" };
	struct lang_values v = { .source = "main.x", .header = "a/b.h", .flags = flags, .n_flags = 1 };
	const struct {
		const struct lang_argv *template;
		const char *expected;
	} rows[] = {
		{ &l.compile, "c|-x" },
		{ &l.precompile.argv, "c|a/b.h|a" },
		{ &l.precompile.file, "a/b.h.p" },
		{ &l.precompile.stub, "#include <a/b.h>" },
	};
	struct lang_argv argv;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		v.n_flags = i == 0;
		assert_int_equal(lang_expand(&l, rows[i].template, &v, &argv), 0);
		assert_string_equal(joined(&argv), rows[i].expected);
		lang_argv_done(&argv);
	}
	v.precompiled = "/there";
	assert_int_equal(lang_expand(&l, &l.compile, &v, &argv), 0);
	assert_string_equal(joined(&argv), "c|-I/there");
	lang_argv_done(&argv);
}

TEST(what_is_wrong_about_headers_is_refused_by_its_field)
{
	static const struct {
		const char *text, *field;
	} bad[] = {
		{ HEAD "\"compile\":{\"argv\":" USED ",\"artifacts\":[\"a\"]}," TAIL, "compile.argv" },
		{ AHEAD("[\"c\"]", "[\"b\"]", MAKE, "\"{header}.p\"", REST), "compile.precompile" },
		{ AHEAD(USED, "[]", MAKE, "\"{header}.p\"", REST), "compile.precompile.headers" },
		{ AHEAD(USED, "[\"/etc/b\"]", MAKE, "\"{header}.p\"", REST), "compile.precompile.headers" },
		{ AHEAD(USED, "[\"a/../b\"]", MAKE, "\"{header}.p\"", REST), "compile.precompile.headers" },
		{ AHEAD(USED, "[\".b\"]", MAKE, "\"{header}.p\"", REST), "compile.precompile.headers" },
		{ AHEAD(USED, "[\"b\"]", "[]", "\"{header}.p\"", REST), "compile.precompile.argv" },
		{ AHEAD(USED, "[\"b\"]", "[\"c\",\"{artifact}\"]", "\"{header}.p\"", REST),
		  "compile.precompile.argv" },
		{ AHEAD(USED, "[\"b\"]", "[\"c\",\"{header}\",\"{artifact}\",\"{flags}\"]", "\"{header}.p\"",
			REST),
		  "compile.precompile.argv" },
		{ AHEAD(USED, "[\"b\"]", MAKE, "\"{header}\"", REST), "compile.precompile.file" },
		{ AHEAD(USED, "[\"b\"]", MAKE, "\"fixed\"", REST), "compile.precompile.file" },
		{ AHEAD(USED, "[\"b\"]", MAKE, "\"{header}.{source}\"", REST), "compile.precompile.file" },
		{ AHEAD(USED, "[\"b\"]", MAKE, "\"{header}.p\"", "\"use\":\"-I{directory}\""),
		  "compile.precompile.stub" },
		{ AHEAD(USED, "[\"b\"]", MAKE, "\"{header}.p\"", "\"stub\":\"x\",\"use\":\"{header}\""),
		  "compile.precompile.use" },
		{ AHEAD(USED, "[\"b\"]", MAKE, "\"{header}.p\"", REST ",\"more\":1"),
		  "compile.precompile.more" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lang l;
		struct err e = { 0 };

		if (parse(bad[i].text, &l, &e) == 0 || strcmp(e.field, bad[i].field) != 0)
			fail_msg("%s: %s: %s", bad[i].text, e.field, e.msg);
	}
}

#define COMPILED(argv, artifacts, flags) \
	HEAD "\"compile\":{\"argv\":" argv ",\"artifacts\":" artifacts ",\"flags\":" flags "}," TAIL

TEST(a_wrong_file_is_refused_with_file_and_field)
{
	static const struct {
		const char *text, *field, *words;
	} rows[] = {
		{ "", "", "x.json:" },
		{ "[]", "", "one JSON object" },
		{ HEAD "\"name\":\"y\"," TAIL, "", "duplicate" },
		{ HEAD TAIL "x", "", "x.json:1:" },
		{ HEAD "\"colour\":1," TAIL, "colour", "not a field" },
		{ "{\"source\":\"a\"," TAIL, "name", "missing" },
		{ "{\"name\":\"X\",\"source\":\"a\"," TAIL, "name", "a-z" },
		{ "{\"name\":\"-x\",\"source\":\"a\"," TAIL, "name", "a-z" },
		{ "{\"name\":7,\"source\":\"a\"," TAIL, "name", "non-empty string" },
		{ "{\"name\":\"\",\"source\":\"a\"," TAIL, "name", "non-empty string" },
		{ "{\"name\":\"x\"," TAIL, "source", "missing" },
		{ "{\"name\":\"x\",\"source\":\"a/b\"," TAIL, "source", "plain file name" },
		{ "{\"name\":\"x\",\"source\":\"..\"," TAIL, "source", "plain file name" },
		{ HEAD "\"aliases\":\"y\"," TAIL, "aliases", "array" },
		{ HEAD "\"aliases\":[\"Y\"]," TAIL, "aliases", "a-z" },
		{ "{\"name\":\"x\",\"source\":\"a\",\"extensions\":[\"x\"]," TAIL, "extensions", "dot" },
		{ "{\"name\":\"x\",\"source\":\"a\",\"extensions\":[\".\"]," TAIL, "extensions", "dot" },
		{ HEAD "\"version\":[\"x\"]}", "run", "at least one" },
		{ HEAD "\"run\":[],\"version\":[\"x\"]}", "run", "at least one" },
		{ HEAD "\"run\":[\"x\"]}", "version", "at least one" },
		{ HEAD "\"run\":\"x {source}\",\"version\":[\"x\"]}", "run", "array" },
		{ HEAD "\"run\":[\"x\",\"\"],\"version\":[\"x\"]}", "run", "non-empty" },
		{ HEAD "\"run\":[\"x\\n\"],\"version\":[\"x\"]}", "run", "control" },
		{ HEAD "\"run\":[\"{source}\"],\"version\":[\"x\"]}", "run", "program's name" },
		{ HEAD "\"run\":[\"x\",\"{sauce}\"],\"version\":[\"x\"]}", "run", "{sauce}, which does not" },
		{ HEAD "\"run\":[\"x\",\"{flags}\"],\"version\":[\"x\"]}", "run", "{flags}, which does not" },
		{ HEAD "\"run\":[\"x\",\"{artifact}\"],\"version\":[\"x\"]}", "run", "{artifact}, which" },
		{ HEAD "\"run\":[\"x\",\"a{args}\"],\"version\":[\"x\"]}", "run", "by itself" },
		{ HEAD "\"run\":[\"x\"],\"version\":[\"x\",\"{source}\"]}", "version", "does not exist" },
		{ HEAD "\"env\":[]," TAIL, "env", "object" },
		{ HEAD "\"env\":{\"A B\":\"\"}," TAIL, "env", "letters, digits" },
		{ HEAD "\"env\":{\"A\":1}," TAIL, "env", "strings" },
		{ HEAD "\"limits\":{\"cpuMs\":0}," TAIL, "limits.cpuMs", "over 0" },
		{ HEAD "\"limits\":{\"cpuMs\":1.5}," TAIL, "limits.cpuMs", "whole number" },
		{ HEAD "\"limits\":{\"cpu\":1}," TAIL, "limits.cpu", "no limit" },
		{ HEAD "\"limits\":3," TAIL, "limits", "object" },
		{ HEAD "\"compileLimits\":{\"cpuMs\":1}," TAIL, "compileLimits", "needs a \"compile\"" },
		{ HEAD "\"compile\":[\"cc\"]," TAIL, "compile", "object or null" },
		{ HEAD "\"compile\":{\"argv\":[\"cc\"],\"shell\":1}," TAIL, "compile.shell", "not a field" },
		{ COMPILED("[]", "[\"a\"]", "[]"), "compile.argv", "compiler's name" },
		{ COMPILED("[\"cc\"]", "[]", "[]"), "compile.artifacts", "at least one" },
		{ COMPILED("[\"cc\"]", "[\"/a\"]", "[]"), "compile.artifacts", "beneath" },
		{ COMPILED("[\"cc\"]", "[\"../a\"]", "[]"), "compile.artifacts", "beneath" },
		{ COMPILED("[\"cc\",\"{artifact}\"]", "[\"*.o\"]", "[]"), "compile.artifacts", "plain name" },
		{ COMPILED("[\"cc\",\"{args}\"]", "[\"a\"]", "[]"), "compile.argv",
		  "{args}, which does not" },
		{ COMPILED("[\"cc\"]", "[\"a\"]", "[\"O2\"]"), "compile.flags", "begin with '-'" },
		{ COMPILED("[\"cc\"]", "[\"a\"]", "[\"-*\"]"), "compile.flags", "one '*'" },
		{ COMPILED("[\"cc\"]", "[\"a\"]", "[\"-W*x*\"]"), "compile.flags", "one '*'" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lang l = { 0 };
		struct err e = { 0 };

		if (parse(rows[i].text, &l, &e) == 0)
			fail_msg("accepted: %s", rows[i].text);
		if (e.kind != ERR_INVALID || strcmp(e.field, rows[i].field) != 0 ||
		    !strstr(e.msg, rows[i].words) || strncmp(e.msg, "x.json", 6) != 0)
			fail_msg("%s: field \"%s\": %s", rows[i].text, e.field, e.msg);
		assert_null(l.name);
	}
}

TEST(braces_that_hold_no_word_are_text)
{
	AUTO(lang_done)
	struct lang l =
		parse_ok(HEAD "\"run\":[\"awk\",\"{ print $1 }\",\"{}\",\"{1}\"],\"version\":[\"x\"]}");
	AUTO(lang_argv_done) struct lang_argv argv = { 0 };

	assert_int_equal(lang_expand(&l, &l.run, &(struct lang_values){ .source = "a" }, &argv), 0);
	assert_string_equal(joined(&argv), "awk|{ print $1 }|{}|{1}");
}

TEST(templates_are_filled)
{
	static const char *const sources[] = { "main.x", "lib/b.x", "notes.txt", "-evil.x", "@evil.x" };
	static const char *const flags[] = { "-O2", "{source}" };
	static const char *const args[] = { "one", "" };
	static const struct {
		const char *run, *expected;
	} rows[] = {
		{ "[\"x\",\"{source}\"]", "x|main.x|one|" },
		{ "[\"x\",\"--f={source}:{source}\"]", "x|--f=main.x:main.x|one|" },
		{ "[\"x\",\"{args}\",\"end\"]", "x|one||end" },
		{ "[\"x\",\"-Xmx{memoryMiB}m\"]", "x|-Xmx256m|one|" },
		{ "[\"x\",\"{sources}\"]", "x|main.x|lib/b.x|./-evil.x|./@evil.x|one|" },
	};
	struct lang_values v = { .source = "main.x",
				 .sources = sources,
				 .n_sources = 5,
				 .flags = flags,
				 .n_flags = 2,
				 .args = args,
				 .n_args = 2,
				 .memory_bytes = 256 << 20 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[500];
		AUTO(lang_done) struct lang l = { 0 };
		AUTO(lang_argv_done) struct lang_argv argv = { 0 };

		snprintf(text, sizeof(text), HEAD "\"run\":%s,\"version\":[\"x\"]}", rows[i].run);
		l = parse_ok(text);
		assert_int_equal(lang_expand(&l, &l.run, &v, &argv), 0);
		assert_string_equal(joined(&argv), rows[i].expected);
	}
}

TEST(a_compile_template_takes_flags_and_artifact)
{
	AUTO(lang_done)
	struct lang l = parse_ok(COMPILED("[\"xc\",\"-o\",\"{artifact}\",\"{sources}\",\"{flags}\",\"-lm\"]",
					  "[\"main\"]", "[\"-a\"]"));
	AUTO(lang_argv_done) struct lang_argv argv = { 0 }, bare = { 0 };
	const char *const sources[] = { "prog", "b.x" }, *const flags[] = { "-a", "-a" };
	struct lang_values v = {
		.source = "prog", .sources = sources, .n_sources = 2, .flags = flags, .n_flags = 2
	};

	assert_int_equal(lang_expand(&l, &l.compile, &v, &argv), 0);
	assert_string_equal(joined(&argv), "xc|-o|main|prog|b.x|-a|-a|-lm");
	v.n_flags = 0;
	assert_int_equal(lang_expand(&l, &l.compile, &v, &bare), 0);
	assert_string_equal(joined(&bare), "xc|-o|main|prog|b.x|-lm");
}

TEST(a_file_name_cannot_become_an_option)
{
	AUTO(lang_done) struct lang l = parse_ok(HEAD TAIL);
	static const struct {
		const char *source, *expected;
	} rows[] = {
		{ "-c", "x|./-c" }, { "@f", "x|./@f" }, { "+x", "x|./+x" }, { ".a", "x|./.a" },
		{ "_a", "x|_a" },   { "1.x", "x|1.x" }, { "a b", "x|a b" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(lang_argv_done) struct lang_argv argv = { 0 };

		assert_int_equal(
			lang_expand(&l, &l.run, &(struct lang_values){ .source = rows[i].source }, &argv), 0);
		assert_string_equal(joined(&argv), rows[i].expected);
	}
}

TEST(flags_are_held_against_the_allow_list)
{
	AUTO(lang_done)
	struct lang l =
		parse_ok(COMPILED("[\"cc\"]", "[\"a\"]", "[\"-O2\",\"-W*\",\"-D*\",\"-std=*\",\"-x*=y\"]"));
	static const struct {
		const char *flag;
		bool allowed;
	} rows[] = {
		{ "-O2", true },	  { "-O3", false },
		{ "-O22", false },	  { "-O", false },
		{ "-Wall", true },	  { "-Wno-error=unused", true },
		{ "-W", false },	  { "-Wl,-rpath=x", false },
		{ "-Wa,-x", false },	  { "-Wp,-MD", false },
		{ "-Wx/y", false },	  { "-DA=1", true },
		{ "-DA(x)=x * 2", true }, { "-D", false },
		{ "-DA=a/b", false },	  { "-DA\n", false },
		{ "-std=c++20", true },	  { "-std=", false },
		{ "-xA=y", true },	  { "-x=y", false },
		{ "-xA=z", false },	  { "", false },
		{ "-", false },		  { " -O2", false },
		{ "-I/etc", false },	  { "@file", false },
		{ "-w", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (lang_flag_allowed(&l, rows[i].flag) != rows[i].allowed)
			fail_msg("flag \"%s\"", rows[i].flag);
	}
}

TEST(versions_are_found_in_what_tools_print)
{
	static const struct {
		const char *text, *version;
	} rows[] = {
		{ "Python 3.11.2\n", "3.11.2" },
		{ "v22.4.1", "22.4.1" },
		{ "gcc (Debian 12.2.0-14) 12.2.0", "12.2.0" },
		{ "GNU bash, version 5.2.15(1)-release (x86_64)", "5.2.15" },
		{ "g77 version 8.", "77" },
		{ "4.", "4" },
		{ "1..2", "1" },
		{ "a1 b2.5", "2.5" },
		{ ".5", "5" },
		{ "12", "12" },
		{ "none", NULL },
		{ "", NULL },
		{ "...", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_FREE char *found = lang_find_version(rows[i].text, strlen(rows[i].text));

		if (!rows[i].version)
			assert_null(found);
		else
			assert_string_equal(found, rows[i].version);
	}
}

TEST(a_version_matches_itself_and_its_beginnings)
{
	assert_true(lang_version_matches("3.11.2", "3.11.2"));
	assert_true(lang_version_matches("3.11.2", "3.11"));
	assert_true(lang_version_matches("3.11.2", "3"));
	assert_false(lang_version_matches("3.11.2", "3.1"));
	assert_false(lang_version_matches("3.11.2", "3."));
	assert_false(lang_version_matches("3.11.2", "3.11.2.1"));
	assert_false(lang_version_matches("3.11.2", ""));
}

/* ---- directories ---- */

/* A directory under the build's own, removed at the end. */
struct place {
	char path[64];
};

static void place_open(struct place *p)
{
	snprintf(p->path, sizeof(p->path), "/tmp/codecrusher-lang-XXXXXX");
	assert_non_null(mkdtemp(p->path));
}

static void place_file(const struct place *p, const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", p->path, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void place_close(struct place *p)
{
	static const char *const names[] = { "a.json", "b.json", "c.json", ".hidden.json", "README.md" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[200];

		snprintf(path, sizeof(path), "%s/%s", p->path, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(p->path), 0);
}

#define LANGUAGE(name, alias, ext)                                                  \
	"{\"name\":\"" name "\",\"aliases\":[\"" alias "\"],\"extensions\":[\"" ext \
	"\"],\"source\":\"m\",\"run\":[\"x\"],\"version\":[\"x\"]}"

TEST(adding_a_language_is_adding_a_file)
{
	AUTO(place_close) struct place p = { "" };
	AUTO(lang_table_free_p) struct lang_table *before = NULL, *after = NULL;
	struct err e = { 0 };

	place_open(&p);
	place_file(&p, "a.json", LANGUAGE("zeta", "z", ".z"));
	place_file(&p, ".hidden.json", "not read");
	place_file(&p, "README.md", "not read");
	before = lang_table_load(p.path, &e);
	assert_non_null(before);
	assert_null(lang_find(before, "alpha"));
	place_file(&p, "b.json", LANGUAGE("alpha", "al", ".alp"));
	after = lang_table_load(p.path, &e);
	assert_non_null(after);
	assert_int_equal(after->n, 2);
	assert_string_equal(after->langs[0].name, "alpha");
	assert_ptr_equal(lang_find(after, "ALPHA"), &after->langs[0]);
	assert_ptr_equal(lang_find(after, "z"), &after->langs[1]);
	assert_ptr_equal(lang_find_by_file(after, "dir.z/prog.alp"), &after->langs[0]);
	assert_null(lang_find_by_file(after, "dir.z/prog"));
	assert_null(lang_find_by_file(after, "dir/.z"));
	assert_null(lang_find(after, ""));
}

TEST(two_languages_cannot_share_a_name_or_an_extension)
{
	static const struct {
		const char *first, *second, *words;
	} rows[] = {
		{ LANGUAGE("a", "x", ".a"), LANGUAGE("a", "y", ".b"), "called \"a\"" },
		{ LANGUAGE("a", "x", ".a"), LANGUAGE("b", "a", ".b"), "called \"a\"" },
		{ LANGUAGE("a", "b", ".a"), LANGUAGE("b", "y", ".b"), "called \"b\"" },
		{ LANGUAGE("a", "x", ".a"), LANGUAGE("b", "x", ".b"), "called \"x\"" },
		{ LANGUAGE("a", "x", ".a"), LANGUAGE("b", "y", ".a"), "extension \".a\"" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(place_close) struct place p = { "" };
		struct err e = { 0 };

		place_open(&p);
		place_file(&p, "a.json", rows[i].first);
		place_file(&p, "b.json", rows[i].second);
		assert_null(lang_table_load(p.path, &e));
		assert_non_null(strstr(e.msg, rows[i].words));
	}
}

TEST(one_bad_file_stops_the_load_and_is_named)
{
	AUTO(place_close) struct place p = { "" };
	struct err e = { 0 };

	place_open(&p);
	place_file(&p, "a.json", LANGUAGE("a", "x", ".a"));
	place_file(&p, "b.json", "{");
	assert_null(lang_table_load(p.path, &e));
	assert_non_null(strstr(e.msg, "b.json:1"));
}

TEST(a_directory_without_languages_is_an_error)
{
	AUTO(place_close) struct place p = { "" };
	struct err e = { 0 };

	place_open(&p);
	assert_null(lang_table_load(p.path, &e));
	assert_non_null(strstr(e.msg, "no language file"));
	assert_null(lang_table_load("/nonexistent/languages", &e));
	assert_int_equal(e.sys, ENOENT);
	assert_non_null(strstr(e.msg, "/nonexistent/languages"));
}

TEST(a_file_that_is_too_large_is_refused)
{
	AUTO(place_close) struct place p = { "" };
	AUTO_FREE char *text = malloc(300001);
	struct err e = { 0 };

	memset(text, ' ', 300000);
	text[300000] = '\0';
	place_open(&p);
	place_file(&p, "a.json", text);
	assert_null(lang_table_load(p.path, &e));
	assert_int_equal(e.kind, ERR_LIMIT);
}

/* ---- the files of this project ---- */

TEST(the_shipped_languages_load)
{
	static const struct {
		const char *name, *language;
	} rows[] = {
		{ "python", "python" },	    { "py", "python" },
		{ "python3", "python" },    { "javascript", "javascript" },
		{ "js", "javascript" },	    { "node", "javascript" },
		{ "nodejs", "javascript" }, { "c", "c" },
		{ "cpp", "cpp" },	    { "c++", "cpp" },
		{ "bash", "bash" },	    { "sh", "bash" },
	};
	struct err e = { 0 };
	AUTO(lang_table_free_p) struct lang_table *t = lang_table_load(LANGUAGES_DIR, &e);

	assert_non_null(t);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct lang *l = lang_find(t, rows[i].name);

		assert_non_null(l);
		assert_string_equal(l->name, rows[i].language);
		assert_non_null(l->package);
		assert_non_null(l->image);
		assert_true(lang_is_source(l, l->source));
	}
}

TEST(shipped_compilers_take_no_flag_that_names_a_file)
{
	static const char *const names[] = { "c", "cpp" };
	static const char *const good[] = { "-O0",
					    "-O3",
					    "-Wall",
					    "-Wextra",
					    "-g",
					    "-DN=5",
					    "-std=c99",
					    "-lm",
					    "-pthread",
					    "-fsanitize=address",
					    "-fsanitize=address,undefined" };
	static const char *const bad[] = { "-I.",	 "-Iinclude",	"-B.",	    "-specs=x",
					   "-fplugin=x", "@x",		"-Wl,-T,x", "-Wa,-a=x",
					   "-Wp,-MD,x",	 "-o",		"-include", "-x",
					   "-wrapper",	 "-L.",		"-T",	    "-save-temps",
					   "-dumpdir",	 "--sysroot=x", "-imacros", "-MF" };
	struct err e = { 0 };
	AUTO(lang_table_free_p) struct lang_table *t = lang_table_load(LANGUAGES_DIR, &e);

	assert_non_null(t);
	for (size_t n = 0; n < 2; n++) {
		const struct lang *l = lang_find(t, names[n]);

		for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
			assert_true(lang_flag_allowed(l, good[i]));
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			if (lang_flag_allowed(l, bad[i]))
				fail_msg("%s allows %s", names[n], bad[i]);
		}
	}
}

UNIT_MAIN(T(a_small_file_is_a_language), T(an_interpreter_that_can_wait_is_marked),
	  T(headers_to_be_compiled_ahead_are_told_to_the_compiler_when_they_are_ready),
	  T(what_is_wrong_about_headers_is_refused_by_its_field), T(every_field_of_a_file_arrives),
	  T(a_wrong_file_is_refused_with_file_and_field), T(braces_that_hold_no_word_are_text),
	  T(templates_are_filled), T(a_compile_template_takes_flags_and_artifact),
	  T(a_file_name_cannot_become_an_option), T(flags_are_held_against_the_allow_list),
	  T(versions_are_found_in_what_tools_print), T(a_version_matches_itself_and_its_beginnings),
	  T(adding_a_language_is_adding_a_file), T(two_languages_cannot_share_a_name_or_an_extension),
	  T(one_bad_file_stops_the_load_and_is_named), T(a_directory_without_languages_is_an_error),
	  T(a_file_that_is_too_large_is_refused), T(the_shipped_languages_load),
	  T(shipped_compilers_take_no_flag_that_names_a_file))
