/* SPDX-License-Identifier: MIT */
#include "conf/table.h"

#include <ctype.h>
#include <string.h>

#include "base/log.h"

#define KIB	  ((int64_t)1024)
#define MIB	  (1024 * KIB)
#define GIB	  (1024 * MIB)
#define TIB	  (1024 * GIB)
#define DAY	  ((int64_t)86400)

#define MEMBER(m) .offset = offsetof(struct conf, m), .size = sizeof(((struct conf *)0)->m)
#define HEADING(text)          \
	{                      \
		.name = (text) \
	}

#define INT(n, m, def, lo, hi, text)                                                                   \
	{                                                                                              \
		.name = (n), .kind = SETTING_INT, MEMBER(m), .value = (def), .min = (lo), .max = (hi), \
		.help = (text)                                                                         \
	}
#define SIZE(n, m, def, lo, hi, text)                                                                   \
	{                                                                                               \
		.name = (n), .kind = SETTING_SIZE, MEMBER(m), .value = (def), .min = (lo), .max = (hi), \
		.help = (text)                                                                          \
	}
#define STRING(n, k, m, def, longest, text)                                                           \
	{                                                                                             \
		.name = (n), .kind = (k), MEMBER(m), .value = (def), .max = (longest), .help = (text) \
	}
#define STRING_OR(n, k, m, def, shown, longest, text)                                                  \
	{                                                                                              \
		.name = (n), .kind = (k), MEMBER(m), .value = (def), .max = (longest), .help = (text), \
		.shown_default = (shown)                                                               \
	}
#define CHOICE(n, m, def, list, shown, text)                                                       \
	{                                                                                          \
		.name = (n), .kind = SETTING_CHOICE, MEMBER(m), .value = (def), .choices = (list), \
		.shown_default = (shown), .help = (text)                                           \
	}

/* The same seven limits stand in the table twice for each kind of step: what a job gets, what it may ask for.
 */
#define LIMITS(prefix, suffix, m, cpu, wall, memory, processes_, output, file, disk, what)                   \
	INT(prefix "LIMIT_CPU_MS" suffix, m.cpu_ms, cpu, 1, DAY * 1000, what "CPU time in milliseconds"),    \
		INT(prefix "LIMIT_WALL_MS" suffix, m.wall_ms, wall, 1, DAY * 1000,                           \
		    what "wall-clock time in milliseconds"),                                                 \
		SIZE(prefix "LIMIT_MEMORY_BYTES" suffix, m.memory_bytes, memory, 4 * MIB, TIB,               \
		     what "memory"),                                                                         \
		INT(prefix "LIMIT_PROCESSES" suffix, m.processes, processes_, 1, 32768,                      \
		    what "processes and threads"),                                                           \
		SIZE(prefix "LIMIT_OUTPUT_BYTES" suffix, m.output_bytes, output, 1, GIB,                     \
		     what "output, each of stdout and stderr"),                                              \
		SIZE(prefix "LIMIT_FILE_BYTES" suffix, m.file_bytes, file, 1, TIB, what "size of one file"), \
		SIZE(prefix "LIMIT_DISK_BYTES" suffix, m.disk_bytes, disk, 64 * KIB, TIB,                    \
		     what "space for files, which counts as memory")

static const struct setting_choice queues[] = {
	{ "sqlite", CONF_BACKEND_SQLITE },
	{ "redis", CONF_BACKEND_REDIS },
	{ NULL, 0 },
};
static const struct setting_choice stores[] = {
	{ "sqlite", CONF_BACKEND_SQLITE },
	{ "mongo", CONF_BACKEND_MONGO },
	{ NULL, 0 },
};
static const struct setting_choice executors[] = {
	{ "native", CONF_EXECUTOR_NATIVE },
	{ "docker", CONF_EXECUTOR_DOCKER },
	{ NULL, 0 },
};
static const struct setting_choice no_yes[] = {
	{ "0", false },
	{ "1", true },
	{ NULL, 0 },
};
static const struct setting_choice log_levels[] = {
	{ "debug", LOG_DEBUG }, { "info", LOG_INFO }, { "warn", LOG_WARN },
	{ "error", LOG_ERROR }, { NULL, 0 },
};
static const struct setting_choice log_formats[] = {
	{ "text", false },
	{ "json", true },
	{ NULL, 0 },
};

/* clang-format off */
const struct setting settings[] = {
	HEADING("The HTTP front"),
	INT("PORT", port, "3000", 0, 65535, "TCP port; 0 takes any free one, printed at start"),
	STRING("HOST", SETTING_HOST, host, "127.0.0.1", 64, "address to listen on: an IP address or localhost"),
	INT("CONNECTIONS_MAX", connections_max, "4096", 1, 1000000, "connections at once; more have to wait"),
	SIZE("BODY_MAX", body_max, "40M", KIB, GIB, "largest request body"),
	SIZE("BODIES_MAX", bodies_max, "256M", KIB, TIB, "all request bodies in flight together; beyond it 503"),
	SIZE("SOURCE_MAX", source_max, "1M", 1, GIB, "code and files of one submission together"),
	SIZE("STDIN_MAX", stdin_max, "16M", 0, GIB, "standard input of one submission"),
	INT("FILES_MAX", files_max, "1000", 1, 60000, "files of one submission"),
	INT("HEAD_TIMEOUT", head_timeout_s, "10", 1, DAY,
	    "seconds from the first byte of a request to the end of its head"),
	INT("BODY_TIMEOUT", body_timeout_s, "60", 1, DAY, "seconds a request body may take"),
	INT("IDLE_TIMEOUT", idle_timeout_s, "75", 1, DAY, "seconds a connection may stay without a request"),
	INT("WAIT_MAX", wait_max_s, "60", 1, DAY, "seconds that wait= can hold an answer back"),

	HEADING("Who may use it"),
	STRING_OR("API_KEYS_FILE", SETTING_PATH, api_keys_file, "", "none: everybody may", 4000,
		  "file of the API keys, as `codecrusher key` makes their lines; read again on SIGHUP"),
	CHOICE("OPEN", open, "0", no_yes, NULL, "1: without API keys, listen beyond loopback all the same"),
	{ .name = "KEY_RATE", .kind = SETTING_MILLIS, MEMBER(key_rate_millis), .value = "100.0", .min = 0,
	  .max = 1000000000, .help = "requests a second of one key; beyond it 429; 0: no limit" },
	INT("KEY_BURST", key_burst, "200", 1, 1000000, "requests of one key at once, after a pause"),
	{ .name = "ADDRESS_RATE", .kind = SETTING_MILLIS, MEMBER(address_rate_millis), .value = "0", .min = 0,
	  .max = 1000000000,
	  .help = "requests a second of one address (of IPv6, of one /64 network), with a key or without; 0: no limit" },
	INT("ADDRESS_BURST", address_burst, "200", 1, 1000000, "requests of one address at once, after a pause"),
	INT("KEY_QUEUE_SHARE", key_queue_percent, "25", 1, 100,
	    "percent of MAX_QUEUE that the jobs of one key may take; beyond it 429"),

	HEADING("Queue and store"),
	STRING("DATA_DIR", SETTING_PATH, data_dir, CONF_DATA_DIR, 4000,
	       "directory of the embedded database and of compiled programs; an ordinary user's default is ~/.local/state/codecrusher"),
	STRING_OR("REDIS_URL", SETTING_REDIS, redis_url, "", "none", 2000,
		  "redis://... of the queue; makes QUEUE redis"),
	STRING_OR("MONGO_URL", SETTING_MONGO, mongo_url, "", "none", 2000,
		  "mongodb://... of the store; makes STORE mongo"),
	CHOICE("QUEUE", queue, "sqlite", queues, "sqlite, or redis with REDIS_URL", "where jobs wait"),
	CHOICE("STORE", store, "sqlite", stores, "sqlite, or mongo with MONGO_URL",
	       "where submissions and results are kept; redis goes with mongo only, sqlite with sqlite"),
	STRING("QUEUE_NAME", SETTING_NAME, queue_name, "code_submission", 200, "name of the queue in Redis, for BullMQ"),
	STRING("QUEUE_PREFIX", SETTING_NAME, queue_prefix, "bull", 200, "prefix of the queue's keys in Redis"),
	SIZE("QUEUE_INLINE", queue_inline, "64K", 0, 16 * MIB,
	     "of each output, what a result in Redis carries; the store has all"),
	INT("MAX_QUEUE", max_queue, "100000", 1, 100000000, "waiting jobs; more are answered with 503"),
	INT("RESULT_TTL", result_ttl_s, "86400", 1, 3650 * DAY, "seconds until a finished job is removed"),
	INT("ATTEMPTS_MAX", attempts_max, "3", 1, 100,
	    "how often a job is started when its worker dies under it"),
	INT("LEASE", lease_s, "30", 1, 3600,
	    "seconds after which the job of a worker that died or hangs is another's to take; with redis only"),
	INT("RECONCILE", reconcile_s, "60", 1, DAY,
	    "seconds between comparisons of the store's unfinished jobs with the queue; with redis only"),

	HEADING("Running programs"),
	CHOICE("EXECUTOR", executor, "native", executors, NULL, "what runs programs"),
	{ .name = "CONCURRENCY", .kind = SETTING_INT, MEMBER(concurrency), .value = "0", .min = 0, .max = 1024,
	  .shown_default = "0: one per core", .help = "programs at once" },
	{ .name = "WARM_SLOTS", .kind = SETTING_INT, MEMBER(warm_slots), .value = "-1", .min = -1, .max = 256,
	  .shown_default = "-1: one, and up to 8 while jobs come often",
	  .help = "interpreters kept started of each language whose file says so; 0: none" },
	SIZE("WARM_MEMORY", warm_memory_bytes, "512M", MIB, TIB,
	     "memory of all interpreters that wait; beyond it no more are started"),
	SIZE("COMPILE_CACHE", compile_cache, "512M", 0, TIB,
	     "disk for compiled programs, kept for the same submission again; 0: none are kept"),
	CHOICE("COMPILE_CACHE_SHARED", compile_cache_shared, "0", no_yes, NULL,
	       "1: one API key is given what was compiled for another, whose speed tells that it was"),
	CHOICE("PRECOMPILE", precompile, "1", no_yes, NULL,
	       "1: headers that language files name are compiled ahead, while there is nothing else to do"),
	STRING("DOCKER_SOCKET", SETTING_PATH, docker_socket, "/run/docker.sock", 107,
	       "socket of the Docker Engine, for EXECUTOR docker"),
	STRING_OR("DOCKER_RUNTIME", SETTING_TEXT, docker_runtime, "", "the Engine's own default", 63,
		  "runtime of its containers: runc, crun, runsc, ..."),
	STRING_OR("DOCKER_IMAGES", SETTING_TEXT, docker_images, "", "those of the language files", 8000,
		  "other images, as in python=python:3.12-slim,c=gcc:13"),
	STRING_OR("DOCKER_BOX", SETTING_TEXT, docker_box, "", "beside the program", 4000,
		  "codecrusher-box as the Engine sees it: an absolute path on its host, or the name of a volume"),
	INT("DOCKER_SPARES", docker_spares, "4", 0, 1024, "containers made ahead, so that a run need not wait for one"),
	STRING("ROOTFS", SETTING_PATH, rootfs, "host", 255,
	       "what programs see as their system: host, or a directory with a root file system"),
	INT("UID_BASE", uid_base, "0x70000000", 1000, 0xfff00000, "first of the user ids that programs get"),
	STRING("USER", SETTING_NAME, user, "codecrusher", 32, "user as which the server runs when started by root"),
	STRING_OR("LANGUAGES_DIR", SETTING_PATH, languages_dir, "", "beside the program, else the installed one",
		  4000, "directory of the language files"),
	STRING_OR("SPAWNER", SETTING_PATH, spawner, "", "beside the program", 4000, "the spawner's executable"),
	STRING("RUN_DIR", SETTING_PATH, run_dir, CONF_RUN_DIR, 255,
	       "directory of lock files; an ordinary user's default is $XDG_RUNTIME_DIR/codecrusher"),
	STRING("CGROUP_PARENT", SETTING_NAME, cgroup_parent, "codecrusher", 63,
	       "cgroup to make, below the one the server was started in"),
	{ .name = "SLOT_CPUS", .kind = SETTING_MILLIS, MEMBER(slot_millicpus), .value = "2.0", .min = 0,
	  .max = 1024000, .help = "CPUs that one program can keep busy; 0: all" },
	INT("SHUTDOWN_TIMEOUT", shutdown_s, "10", 0, DAY,
	    "seconds that running jobs have to end after SIGTERM; then they go back to the queue"),
	STRING_OR("ALLOW_WEAK", SETTING_TEXT, allow_weak, "", "none", 1000,
		  "isolation the host lacks and you accept: names from `codecrusher doctor`, with commas"),

	HEADING("What a program gets when its submission does not say"),
	LIMITS("", "", defaults, "10000", "20000", "256M", "64", "1M", "64M", "64M", ""),

	HEADING("What a submission can ask for at most"),
	LIMITS("", "_MAX", maxima, "60000", "120000", "2G", "512", "64M", "1G", "1G", "most "),

	HEADING("What a compiler gets when the submission does not say"),
	LIMITS("COMPILE_", "", compile_defaults, "30000", "60000", "1G", "128", "1M", "256M", "256M", ""),

	HEADING("What a submission can ask for its compiler at most"),
	LIMITS("COMPILE_", "_MAX", compile_maxima, "120000", "240000", "4G", "512", "64M", "1G", "1G", "most "),

	HEADING("Logs"),
	CHOICE("LOG_LEVEL", log_level, "info", log_levels, NULL, "least important lines to write"),
	CHOICE("LOG_FORMAT", log_json, "text", log_formats, NULL, "lines for people, or one JSON object a line"),
};
/* clang-format on */
const size_t n_settings = sizeof(settings) / sizeof(settings[0]);

const char *setting_prefix(const struct setting *s)
{
	static const char *const bare[] = { "PORT", "HOST", "REDIS_URL", "MONGO_URL" };

	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
		if (strcmp(s->name, bare[i]) == 0)
			return "";
	}
	return "CODECRUSHER_";
}

const char *setting_flag(const struct setting *s)
{
	static _Thread_local char flag[64];
	size_t n = 2;

	flag[0] = flag[1] = '-';
	for (const char *c = s->name; *c && n < sizeof(flag) - 1; c++)
		flag[n++] = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
	flag[n] = '\0';
	return flag;
}

const struct setting *setting_find(const char *name)
{
	for (size_t i = 0; i < n_settings; i++) {
		if (!setting_is_heading(&settings[i]) && strcmp(settings[i].name, name) == 0)
			return &settings[i];
	}
	return NULL;
}
