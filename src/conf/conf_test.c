/* SPDX-License-Identifier: MIT */
#include "conf/conf.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/unit.h"
#include "conf/table.h"

#define ARGV_MAX 16

/* Loads with one variable (or NULL) and the words of a command line (or NULL). */
static int load(struct conf *c, const char *variable, const char *const *words, struct err *e)
{
	char *env[] = { (char *)(uintptr_t)variable, NULL };
	char *argv[ARGV_MAX] = { NULL };
	int argc = 0;

	for (; words && words[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	return conf_load(c, env, &argc, argv, e);
}

static struct conf load_ok(const char *variable)
{
	struct conf c;
	struct err e = { 0 };

	if (load(&c, variable, NULL, &e) < 0)
		fail_msg("%s: %s", variable ? variable : "defaults", e.msg);
	return c;
}

static struct conf load_env(char *const env[])
{
	struct conf c;
	struct err e = { 0 };
	int argc = 0;
	char *argv[] = { NULL };

	if (conf_load(&c, env, &argc, argv, &e) < 0)
		fail_msg("%s: %s", env[0], e.msg);
	return c;
}

TEST(without_any_setting_the_defaults_hold)
{
	AUTO(conf_done) struct conf c = load_ok(NULL);

	assert_int_equal(c.port, 3000);
	assert_string_equal(c.host, "127.0.0.1");
	assert_int_equal(c.body_max, 40 << 20);
	assert_int_equal(c.bodies_max, 256 << 20);
	assert_int_equal(c.source_max, 1 << 20);
	assert_int_equal(c.stdin_max, 16 << 20);
	assert_string_equal(c.data_dir, "/var/lib/codecrusher");
	assert_string_equal(c.redis_url, "");
	assert_int_equal(c.queue, CONF_BACKEND_SQLITE);
	assert_int_equal(c.store, CONF_BACKEND_SQLITE);
	assert_int_equal(c.executor, CONF_EXECUTOR_NATIVE);
	assert_string_equal(c.rootfs, "host");
	assert_int_equal(c.uid_base, 0x70000000);
	assert_int_equal(c.slot_millicpus, 2000);
	assert_string_equal(c.languages_dir, "");
	assert_int_equal(c.log_level, LOG_INFO);
	assert_false(c.log_json);
	assert_int_equal(c.defaults.cpu_ms, 10000);
	assert_int_equal(c.defaults.wall_ms, 20000);
	assert_int_equal(c.defaults.memory_bytes, 256 << 20);
	assert_int_equal(c.defaults.processes, 64);
	assert_int_equal(c.defaults.output_bytes, 1 << 20);
	assert_int_equal(c.defaults.file_bytes, 64 << 20);
	assert_int_equal(c.defaults.disk_bytes, 64 << 20);
	assert_int_equal(c.maxima.cpu_ms, 60000);
	assert_int_equal(c.maxima.memory_bytes, (int64_t)2 << 30);
	assert_int_equal(c.compile_defaults.memory_bytes, 1 << 30);
	assert_int_equal(c.compile_defaults.disk_bytes, 256 << 20);
	assert_int_equal(c.compile_maxima.memory_bytes, (int64_t)4 << 30);
}

TEST(concurrency_is_one_per_core_unless_set)
{
	AUTO(conf_done) struct conf automatic = load_ok(NULL), three = load_ok("CODECRUSHER_CONCURRENCY=3");
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	assert_int_equal(automatic.concurrency, CPU_COUNT(&set));
	assert_int_equal(three.concurrency, 3);
}

TEST(a_flag_wins_over_the_environment)
{
	const char *const words[] = { "--port", "81", "--host=::1", NULL };
	struct err e = { 0 };
	AUTO(conf_done) struct conf c = { 0 };

	assert_int_equal(load(&c, "PORT=80", words, &e), 0);
	assert_int_equal(c.port, 81);
	assert_string_equal(c.host, "::1");
}

TEST(known_flags_leave_the_command_line_and_other_words_stay)
{
	char *argv[] = { "file.py", "--port=80", "--stdin", "in", "--log-level", "debug",
			 "",	    "--",	 "--port",  "5",  NULL };
	char *env[] = { NULL };
	int argc = 10;
	struct err e = { 0 };
	AUTO(conf_done) struct conf c = { 0 };
	static const char *const left[] = { "file.py", "--stdin", "in", "", "--", "--port", "5" };

	assert_int_equal(conf_load(&c, env, &argc, argv, &e), 0);
	assert_int_equal(c.port, 80);
	assert_int_equal(c.log_level, LOG_DEBUG);
	assert_int_equal(argc, 7);
	for (int i = 0; i < argc; i++)
		assert_string_equal(argv[i], left[i]);
	assert_null(argv[argc]);
}

TEST(a_flag_without_its_value_is_refused)
{
	const char *const words[] = { "x", "--port", NULL };
	struct err e = { 0 };
	struct conf c;

	assert_int_equal(load(&c, NULL, words, &e), -1);
	assert_string_equal(e.msg, "--port needs a value");
}

TEST(an_empty_flag_is_refused_where_empty_means_nothing)
{
	const char *const bad[] = { "--data-dir=", NULL }, *const good[] = { "--allow-weak=", NULL };
	struct err e = { 0 };
	AUTO(conf_done) struct conf c = { 0 };

	assert_int_equal(load(&c, NULL, bad, &e), -1);
	assert_string_equal(e.msg, "--data-dir must not be empty");
	assert_int_equal(load(&c, NULL, good, &e), 0);
	assert_string_equal(c.allow_weak, "");
}

TEST(a_bad_flag_is_called_as_it_was_written)
{
	const char *const words[] = { "--max-queue=many", NULL };
	struct err e = { 0 };
	struct conf c;

	assert_int_equal(load(&c, NULL, words, &e), -1);
	assert_string_equal(e.field, "MAX_QUEUE");
	assert_string_equal(e.msg, "--max-queue must be 1 to 100000000, not \"many\"");
}

TEST(values_are_read_in_their_units)
{
	static const struct {
		const char *variable;
		int64_t value;
	} rows[] = {
		{ "PORT=0", 0 },
		{ "PORT=65535", 65535 },
		{ "CODECRUSHER_BODY_MAX=2048", 2048 },
		{ "CODECRUSHER_BODY_MAX=20000K", 20000 << 10 },
		{ "CODECRUSHER_BODY_MAX=20m", 20 << 20 },
		{ "CODECRUSHER_BODY_MAX=20MiB", 20 << 20 },
		{ "CODECRUSHER_LIMIT_MEMORY_BYTES_MAX=1T", (int64_t)1 << 40 },
		{ "CODECRUSHER_LIMIT_MEMORY_BYTES_MAX=3G", (int64_t)3 << 30 },
		{ "CODECRUSHER_RESULT_TTL=1", 1 },
		{ "CODECRUSHER_UID_BASE=0x10000", 65536 },
		{ "CODECRUSHER_UID_BASE=100000", 100000 },
		{ "CODECRUSHER_SLOT_CPUS=0", 0 },
		{ "CODECRUSHER_SLOT_CPUS=1", 1000 },
		{ "CODECRUSHER_SLOT_CPUS=0.5", 500 },
		{ "CODECRUSHER_SLOT_CPUS=1.125", 1125 },
		{ "CODECRUSHER_SLOT_CPUS=0.01", 10 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(conf_done) struct conf c = load_ok(rows[i].variable);
		const char *name = rows[i].variable;
		char bare[64];

		name += strncmp(name, "CODECRUSHER_", 12) == 0 ? 12 : 0;
		snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(name, "="), name);
		assert_int_equal(setting_number(&c, setting_find(bare)), rows[i].value);
	}
}

TEST(a_bad_value_stops_the_load_with_its_setting)
{
	static const struct {
		const char *variable, *field, *words;
	} rows[] = {
		{ "PORT=65536", "PORT", "PORT must be 0 to 65535, not \"65536\"" },
		{ "PORT=-1", "PORT", "0 to 65535" },
		{ "PORT=+80", "PORT", "0 to 65535" },
		{ "PORT= 80", "PORT", "0 to 65535" },
		{ "PORT=80 ", "PORT", "0 to 65535" },
		{ "PORT=80x", "PORT", "0 to 65535" },
		{ "PORT=8e3", "PORT", "0 to 65535" },
		{ "PORT=0x", "PORT", "0 to 65535" },
		{ "PORT=tcp://10.0.0.1:3000", "PORT", "0 to 65535" },
		{ "PORT=99999999999999999999", "PORT", "0 to 65535" },
		{ "HOST=example.org", "HOST", "IP address or localhost" },
		{ "HOST=1.2.3", "HOST", "IP address or localhost" },
		{ "HOST=[::1]", "HOST", "IP address or localhost" },
		{ "CODECRUSHER_BODY_MAX=1MB", "BODY_MAX", "bytes, or with K, M, G" },
		{ "CODECRUSHER_BODY_MAX=1.5M", "BODY_MAX", "1K to 1G" },
		{ "CODECRUSHER_BODY_MAX=M", "BODY_MAX", "1K to 1G" },
		{ "CODECRUSHER_BODY_MAX=2G", "BODY_MAX", "1K to 1G" },
		{ "CODECRUSHER_BODY_MAX=9223372036854775807K", "BODY_MAX", "1K to 1G" },
		{ "CODECRUSHER_SLOT_CPUS=0.001", "SLOT_CPUS", "0, or 0.01 to 1024" },
		{ "CODECRUSHER_SLOT_CPUS=1.0000", "SLOT_CPUS", "0, or 0.01" },
		{ "CODECRUSHER_SLOT_CPUS=.5", "SLOT_CPUS", "0, or 0.01" },
		{ "CODECRUSHER_SLOT_CPUS=1025", "SLOT_CPUS", "0, or 0.01" },
		{ "CODECRUSHER_LOG_LEVEL=loud", "LOG_LEVEL", "debug, info, warn or error, not \"loud\"" },
		{ "CODECRUSHER_LOG_FORMAT=JSON", "LOG_FORMAT", "text or json" },
		{ "CODECRUSHER_EXECUTOR=podman", "EXECUTOR", "native or docker" },
		{ "CODECRUSHER_USER=a b", "USER", "letters" },
		{ "CODECRUSHER_CGROUP_PARENT=../x", "CGROUP_PARENT", "letters" },
		{ "CODECRUSHER_CGROUP_PARENT=.", "CGROUP_PARENT", "letters" },
		{ "REDIS_URL=localhost:6379", "REDIS_URL", "must begin with redis://" },
		{ "REDIS_URL=rediss://h", "REDIS_URL", "TLS" },
		{ "MONGO_URL=http://h", "MONGO_URL", "must begin with mongodb://" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };
		struct conf c;

		if (load(&c, rows[i].variable, NULL, &e) == 0)
			fail_msg("accepted: %s", rows[i].variable);
		if (e.kind != ERR_INVALID || strcmp(e.field, rows[i].field) != 0 ||
		    !strstr(e.msg, rows[i].words))
			fail_msg("%s: field \"%s\": %s", rows[i].variable, e.field, e.msg);
	}
}

TEST(no_sentence_repeats_a_password)
{
	struct err e = { 0 };
	struct conf c;

	assert_int_equal(load(&c, "REDIS_URL=http://:secret@h", NULL, &e), -1);
	assert_null(strstr(e.msg, "secret"));
}

TEST(an_unknown_setting_is_refused_with_the_nearest)
{
	static const struct {
		const char *variable, *nearest;
	} rows[] = {
		{ "CODECRUSHER_CONCURENCY=2", "CODECRUSHER_CONCURRENCY" },
		{ "CODECRUSHER_LOGLEVEL=debug", "CODECRUSHER_LOG_LEVEL" },
		{ "CODECRUSHER_HOST=0.0.0.0", "nearest is HOST" },
		{ "CODECRUSHER_REDIS_URL=redis://h", "nearest is REDIS_URL" },
		{ "CODECRUSHER_LIMIT_CPU=5", "CODECRUSHER_LIMIT_CPU_MS" },
		{ "CODECRUSHER_=5", "CODECRUSHER_" },
		{ "CODECRUSHER_port=5", "CODECRUSHER_" },
		{ "CODECRUSHER_AVERYLONGNAMETHATISNOSETTINGATALLANDGOESONFORMORETHANSIXTYFOURLETTERS=1",
		  "CODECRUSHER_" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };
		struct conf c;

		if (load(&c, rows[i].variable, NULL, &e) == 0)
			fail_msg("accepted: %s", rows[i].variable);
		if (!strstr(e.msg, "there is no setting CODECRUSHER_") || !strstr(e.msg, rows[i].nearest))
			fail_msg("%s: %s", rows[i].variable, e.msg);
	}
}

TEST(what_kubernetes_injects_is_ignored)
{
	char *env[] = { "CODECRUSHER_PORT=tcp://10.0.0.1:3000",
			"CODECRUSHER_PORT_3000_TCP=tcp://10.0.0.1:3000",
			"CODECRUSHER_PORT_3000_TCP_PROTO=tcp",
			"CODECRUSHER_SERVICE_HOST=10.0.0.1",
			"CODECRUSHER_SERVICE_PORT=3000",
			"CODECRUSHER_SERVICE_PORT_HTTP=3000",
			"PATH=/usr/bin",
			"no equals sign",
			"PORTLY=1",
			"",
			NULL };
	AUTO(conf_done) struct conf c = load_env(env);

	assert_int_equal(c.port, 3000);
	assert_string_equal(c.host, "127.0.0.1");
}

TEST(an_empty_variable_is_the_same_as_none)
{
	char *env[] = { "PORT=", "CODECRUSHER_LIMIT_CPU_MS=", "REDIS_URL=", NULL };
	AUTO(conf_done) struct conf c = load_env(env);

	assert_int_equal(c.port, 3000);
	assert_int_equal(c.defaults.cpu_ms, 10000);
	assert_int_equal(c.queue, CONF_BACKEND_SQLITE);
}

TEST(both_urls_make_redis_and_mongo_the_backends)
{
	char *env[] = { "REDIS_URL=redis://h:6379/0", "MONGO_URL=mongodb+srv://h/db", NULL };
	AUTO(conf_done) struct conf c = load_env(env);

	assert_int_equal(c.queue, CONF_BACKEND_REDIS);
	assert_int_equal(c.store, CONF_BACKEND_MONGO);
}

TEST(the_embedded_pair_can_be_chosen_beside_urls)
{
	char *env[] = { "REDIS_URL=redis://h", "CODECRUSHER_QUEUE=sqlite", NULL };
	AUTO(conf_done) struct conf c = load_env(env);

	assert_int_equal(c.queue, CONF_BACKEND_SQLITE);
}

TEST(mixed_pairs_are_refused)
{
	static const struct {
		char *env[4];
		const char *field, *words;
	} rows[] = {
		{ { "REDIS_URL=redis://h" }, "STORE", "set MONGO_URL as well" },
		{ { "MONGO_URL=mongodb://h" }, "QUEUE", "set REDIS_URL as well" },
		{ { "REDIS_URL=redis://h", "MONGO_URL=mongodb://h", "CODECRUSHER_STORE=sqlite" },
		  "STORE",
		  "queue is redis but the store is sqlite" },
		{ { "REDIS_URL=redis://h", "MONGO_URL=mongodb://h", "CODECRUSHER_QUEUE=sqlite" },
		  "QUEUE",
		  "store is mongo but the queue is sqlite" },
		{ { "CODECRUSHER_QUEUE=redis" }, "REDIS_URL", "must say where" },
		{ { "CODECRUSHER_STORE=mongo" }, "MONGO_URL", "must say where" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };
		struct conf c;

		assert_int_equal(conf_load(&c, rows[i].env, NULL, NULL, &e), -1);
		assert_string_equal(e.field, rows[i].field);
		assert_non_null(strstr(e.msg, rows[i].words));
	}
}

TEST(a_limit_that_nobody_set_follows_its_maximum)
{
	char *env[] = { "CODECRUSHER_LIMIT_CPU_MS_MAX=5000", "CODECRUSHER_COMPILE_LIMIT_PROCESSES_MAX=9",
			"CODECRUSHER_BODIES_MAX=2M", NULL };
	AUTO(conf_done) struct conf c = load_env(env);

	assert_int_equal(c.defaults.cpu_ms, 5000);
	assert_int_equal(c.compile_defaults.processes, 9);
	assert_int_equal(c.body_max, 2 << 20);
	assert_int_equal(c.stdin_max, 2 << 20);
	assert_int_equal(c.source_max, 1 << 20);
}

TEST(the_largest_file_follows_the_disk)
{
	char *both[] = { "CODECRUSHER_LIMIT_DISK_BYTES=8M", "CODECRUSHER_COMPILE_LIMIT_DISK_BYTES=9M", NULL };
	char *own[] = { "CODECRUSHER_LIMIT_DISK_BYTES=8M", "CODECRUSHER_LIMIT_FILE_BYTES=1M", NULL };
	AUTO(conf_done) struct conf c = load_env(both), d = load_env(own);

	assert_int_equal(c.defaults.file_bytes, 8 << 20);
	assert_int_equal(c.compile_defaults.file_bytes, 9 << 20);
	assert_int_equal(d.defaults.file_bytes, 1 << 20);
}

TEST(a_value_over_its_maximum_is_refused)
{
	static const struct {
		const char *variable, *words;
	} rows[] = {
		{ "CODECRUSHER_LIMIT_CPU_MS=60001",
		  "CODECRUSHER_LIMIT_CPU_MS (60001) is over CODECRUSHER_LIMIT_CPU_MS_MAX (60000)" },
		{ "CODECRUSHER_LIMIT_DISK_BYTES=2G", "CODECRUSHER_LIMIT_DISK_BYTES_MAX" },
		{ "CODECRUSHER_COMPILE_LIMIT_MEMORY_BYTES=5G", "CODECRUSHER_COMPILE_LIMIT_MEMORY_BYTES_MAX" },
		{ "CODECRUSHER_BODY_MAX=300M", "CODECRUSHER_BODIES_MAX" },
		{ "CODECRUSHER_STDIN_MAX=41M", "CODECRUSHER_BODY_MAX" },
		{ "CODECRUSHER_SOURCE_MAX=41M", "CODECRUSHER_BODY_MAX" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };
		struct conf c;

		assert_int_equal(load(&c, rows[i].variable, NULL, &e), -1);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_non_null(strstr(e.msg, rows[i].words));
	}
}

TEST(a_relative_path_begins_where_the_server_was_started)
{
	AUTO_FREE char *here = getcwd(NULL, 0);
	AUTO(conf_done)
	struct conf relative = load_ok("CODECRUSHER_DATA_DIR=data"),
		    whole = load_ok("CODECRUSHER_DATA_DIR=/data"), host = load_ok("CODECRUSHER_ROOTFS=host"),
		    root = load_ok("CODECRUSHER_ROOTFS=root");
	char expected[5000];

	snprintf(expected, sizeof(expected), "%s/data", here);
	assert_string_equal(relative.data_dir, expected);
	assert_string_equal(whole.data_dir, "/data");
	assert_string_equal(host.rootfs, "host");
	assert_true(root.rootfs[0] == '/');
}

TEST(a_text_that_is_too_long_is_refused)
{
	char variable[400] = "CODECRUSHER_RUN_DIR=/";
	struct err e = { 0 };
	struct conf c;

	memset(variable + 21, 'a', 300);
	assert_int_equal(load(&c, variable, NULL, &e), -1);
	assert_non_null(strstr(e.msg, "longer than 255 bytes"));
}

TEST(every_setting_is_both_a_variable_and_a_flag)
{
	size_t n = 0;

	for (size_t i = 0; i < n_settings; i++) {
		const struct setting *s = &settings[i];
		char word[200], variable[200];
		const char *value =
			strcmp(s->name, "QUEUE") == 0 || strcmp(s->name, "STORE") == 0 ? "sqlite" : s->value;
		const char *words[] = { word, NULL };
		struct err e = { 0 };
		AUTO(conf_done) struct conf c = { 0 }, d = { 0 };

		if (setting_is_heading(s) || !value || !*value)
			continue;
		snprintf(word, sizeof(word), "%s=%s", setting_flag(s), value);
		snprintf(variable, sizeof(variable), "%s%s=%s", setting_prefix(s), s->name, value);
		if (load(&c, NULL, words, &e) < 0 || load(&d, variable, NULL, &e) < 0)
			fail_msg("%s: %s", word, e.msg);
		n++;
	}
	assert_true(n > 50);
}

TEST(help_names_every_setting)
{
	AUTO_FREE char *help = conf_help();

	assert_non_null(help);
	for (size_t i = 0; i < n_settings; i++)
		assert_non_null(strstr(help, setting_is_heading(&settings[i]) ? settings[i].name
									      : setting_flag(&settings[i])));
}

TEST(the_page_of_settings_is_what_the_table_says)
{
	AUTO_FREE char *expected = conf_markdown(), *page = calloc(1, 1 << 18);
	AUTO_CLOSE int fd = open(SETTINGS_PAGE, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, page, (1 << 18) - 1) > 0);
	if (strcmp(page, expected) != 0)
		fail_msg("docs/settings.md is old: build/src/conf/settings_doc prints the new one");
}

UNIT_MAIN(T(without_any_setting_the_defaults_hold), T(concurrency_is_one_per_core_unless_set),
	  T(a_flag_wins_over_the_environment), T(known_flags_leave_the_command_line_and_other_words_stay),
	  T(a_flag_without_its_value_is_refused), T(an_empty_flag_is_refused_where_empty_means_nothing),
	  T(a_bad_flag_is_called_as_it_was_written), T(values_are_read_in_their_units),
	  T(a_bad_value_stops_the_load_with_its_setting), T(no_sentence_repeats_a_password),
	  T(an_unknown_setting_is_refused_with_the_nearest), T(what_kubernetes_injects_is_ignored),
	  T(an_empty_variable_is_the_same_as_none), T(both_urls_make_redis_and_mongo_the_backends),
	  T(the_embedded_pair_can_be_chosen_beside_urls), T(mixed_pairs_are_refused),
	  T(a_limit_that_nobody_set_follows_its_maximum), T(the_largest_file_follows_the_disk),
	  T(a_value_over_its_maximum_is_refused), T(a_relative_path_begins_where_the_server_was_started),
	  T(a_text_that_is_too_long_is_refused), T(every_setting_is_both_a_variable_and_a_flag),
	  T(help_names_every_setting), T(the_page_of_settings_is_what_the_table_says))
