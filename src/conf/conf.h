/* SPDX-License-Identifier: MIT */
/*
 * Settings: flags over environment over defaults, from one table that also prints the help and
 * docs/settings.md. Every setting NAME is the environment variable CODECRUSHER_NAME and the flag --name (with
 * '-' for '_'), but for PORT, HOST, REDIS_URL and MONGO_URL, which have no prefix. An unknown or bad setting
 * stops the start with one line; CODECRUSHER_PORT* and CODECRUSHER_SERVICE_* are ignored, since Kubernetes
 * injects them.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Defaults that only root can write; see cmd/rootless.h. */
#define CONF_DATA_DIR "/var/lib/codecrusher"
#define CONF_RUN_DIR  "/run/codecrusher"

enum conf_executor { CONF_EXECUTOR_NATIVE, CONF_EXECUTOR_DOCKER };
enum conf_backend { CONF_BACKEND_SQLITE, CONF_BACKEND_REDIS, CONF_BACKEND_MONGO };

struct conf_limits {
	int64_t cpu_ms, wall_ms, memory_bytes, processes, output_bytes, file_bytes, disk_bytes;
};

struct conf {
	/* the front */
	int64_t port;		 /* PORT 3000; 0: any free one, printed at start */
	char *host;		 /* HOST 127.0.0.1 */
	int64_t connections_max; /* CONNECTIONS_MAX 4096 */
	int64_t body_max;	 /* BODY_MAX 40 MiB */
	int64_t bodies_max;	 /* BODIES_MAX 256 MiB: all bodies in flight together */
	int64_t source_max;	 /* SOURCE_MAX 1 MiB: code and files of one submission */
	int64_t stdin_max;	 /* STDIN_MAX 16 MiB */
	int64_t files_max;	 /* FILES_MAX 1000 */
	int64_t head_timeout_s;	 /* HEAD_TIMEOUT 10: from a request's first byte to the end of its head */
	int64_t body_timeout_s;	 /* BODY_TIMEOUT 60 */
	int64_t idle_timeout_s;	 /* IDLE_TIMEOUT 75: keep-alive */
	int64_t wait_max_s;	 /* WAIT_MAX 60 */
	/* storage and queue */
	char *data_dir;		 /* DATA_DIR /var/lib/codecrusher */
	char *redis_url;	 /* REDIS_URL, "" */
	char *mongo_url;	 /* MONGO_URL, "" */
	enum conf_backend queue; /* QUEUE sqlite|redis */
	enum conf_backend store; /* STORE sqlite|mongo */
	char *queue_name;	 /* QUEUE_NAME code_submission */
	char *queue_prefix;	 /* QUEUE_PREFIX bull */
	int64_t queue_inline;	 /* QUEUE_INLINE 64 KiB */
	int64_t max_queue;	 /* MAX_QUEUE 100000 waiting jobs */
	int64_t result_ttl_s;	 /* RESULT_TTL 86400 */
	int64_t attempts_max;	 /* ATTEMPTS_MAX 3 */
	int64_t lease_s;	 /* LEASE 30: distributed */
	int64_t reconcile_s;	 /* RECONCILE 60: distributed */
	/* the door */
	char *api_keys_file;	     /* API_KEYS_FILE, "" */
	bool open;		     /* OPEN 0|1: listens beyond loopback without asking for a key */
	int64_t key_rate_millis;     /* KEY_RATE 100: requests a second, in 1/1000; 0: no limit */
	int64_t key_burst;	     /* KEY_BURST 200 */
	int64_t address_rate_millis; /* ADDRESS_RATE 0, as KEY_RATE */
	int64_t address_burst;	     /* ADDRESS_BURST 200 */
	int64_t key_queue_percent;   /* KEY_QUEUE_SHARE 25: of MAX_QUEUE */
	/* running */
	enum conf_executor executor; /* EXECUTOR native|docker */
	int64_t concurrency;	     /* CONCURRENCY: 0 = one per core */
	int64_t warm_slots;	     /* WARM_SLOTS of each marked language; -1: see cmd/warm.c */
	int64_t warm_memory_bytes;   /* WARM_MEMORY 512M: of all idle interpreters together */
	int64_t compile_cache;	     /* COMPILE_CACHE 512 MiB; 0: none */
	bool compile_cache_shared;   /* COMPILE_CACHE_SHARED false */
	bool precompile;	     /* PRECOMPILE true */
	char *docker_socket;	     /* DOCKER_SOCKET /run/docker.sock */
	char *docker_runtime;	     /* DOCKER_RUNTIME: "" = the Engine's default */
	char *docker_images;	     /* DOCKER_IMAGES "": language=image, with commas */
	char *docker_box;	     /* DOCKER_BOX: "" = beside the program; a path, or a volume's name */
	int64_t docker_spares;	     /* DOCKER_SPARES 4: containers made ahead */
	char *rootfs;		     /* ROOTFS "host" or a directory */
	int64_t uid_base;	     /* UID_BASE 0x70000000 */
	char *user;		     /* USER codecrusher: whom the engine runs as */
	char *languages_dir;	     /* LANGUAGES_DIR: "" = beside the program, else the installed one */
	char *spawner;		     /* SPAWNER: "" = beside the program */
	char *run_dir;		     /* RUN_DIR /run/codecrusher: instance locks */
	char *cgroup_parent;	/* CGROUP_PARENT "codecrusher": name below the cgroup we were started in */
	int64_t slot_millicpus; /* SLOT_CPUS 2.0: CPU bandwidth of one slot, in 1/1000; 0 = unlimited */
	int64_t shutdown_s;	/* SHUTDOWN_TIMEOUT 10: SIGTERM to the last job given back */
	char *allow_weak; /* ALLOW_WEAK "": comma-separated weaknesses (doctor's names) the operator accepts
			   */
	struct conf_limits defaults, maxima; /* LIMIT_CPU_MS 10000, LIMIT_CPU_MS_MAX 60000, … */
	struct conf_limits compile_defaults, compile_maxima; /* COMPILE_LIMIT_CPU_MS 30000, … */
	/* logs */
	int64_t log_level; /* LOG_LEVEL debug|info|warn|error: enum log_level */
	bool log_json;	   /* LOG_FORMAT text|json */
};

/*
 * Reads settings. `env` is environ's form. `argv` holds the words after the verb; known flags ("--port 80",
 * "--port=80") are taken out of it and the rest is moved to the front, *argc adjusted ("--" ends flags and
 * stays). -1 with one clear line; conf_done is needed after success only.
 */
int conf_load(struct conf *c, char *const env[], int *argc, char *argv[], struct err *e);
void conf_done(struct conf *c);

/* The settings as --help shows them, and as docs/settings.md (a test holds the file against it). NULL when
 * memory is short; the caller frees it. */
char *conf_help(void);
char *conf_markdown(void);

#endif
