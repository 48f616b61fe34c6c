/* SPDX-License-Identifier: MIT */
/* serve, and its two halves for the distributed mode: server (the API) and worker. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/listener.h"
#include "cmd/monitor.h"
#include "cmd/paths.h"
#include "cmd/privileges.h"
#include "cmd/spawning.h"
#include "executor/docker.h"
#include "http/server.h"

/* What an engine keeps open beside connections and slots: database, logs, sockets, eventfds. */
#define FILES_OF_ITS_OWN 256
#define FILES_PER_SLOT	 16

struct role {
	const char *verb;
	bool serves, works;
};

/* Half a server alone has nobody to talk to over an embedded queue. */
static int check_role(const struct role *r, const struct conf *conf)
{
	if (conf->queue == CONF_BACKEND_SQLITE && !(r->serves && r->works))
		return cmd_fail(
			EXIT_CODE_CONFIG,
			"%s needs a queue and a store that others reach too: set REDIS_URL and MONGO_URL, "
			"or use codecrusher serve, which is API and worker in one",
			r->verb);
	return EXIT_CODE_OK;
}

/* Nobody should find out later that strangers run their programs here. */
static int check_open(const struct conf *conf, int listener, struct err *e)
{
	char url[LISTENER_URL_SIZE] = "";

	if (listener_is_loopback(listener) || conf->api_keys_file[0])
		return 0;
	(void)listener_url(listener, url, sizeof(url));
	if (!conf->open)
		return err_field(
			e, ERR_INVALID, "HOST",
			"%s can be reached from other machines, and nobody would be asked for a key: "
			"set CODECRUSHER_API_KEYS_FILE (codecrusher key makes keys), or "
			"CODECRUSHER_OPEN=1 when something in front of it asks",
			url);
	log_warn(NULL,
		 "%s can be reached from other machines and asks nobody for a key, as CODECRUSHER_OPEN says",
		 url);
	return 0;
}

static int open_listener(struct engine_setup *s, struct err *e)
{
	s->listener = http_listen(s->conf->host, (int)s->conf->port, e);
	if (s->listener < 0)
		return -1;
	if (check_open(s->conf, s->listener, e) == 0)
		return 0;
	(void)close(TAKE_FD(s->listener));
	return -1;
}

/* The Engine makes the containers: no spawner is needed. */
static int prepare_docker(struct engine_setup *s, struct err *e)
{
	s->box = paths_box(s->conf);
	if (!s->box)
		return err_set(e, ERR_IO, 0, "out of memory");
	account_join_socket(&s->account, s->conf->docker_socket);
	return docker_override_images(s->langs, s->conf->docker_images, e);
}

/* What a worker needs of root. `spawning` is NULL for the Docker executor. */
static int prepare_worker(struct engine_setup *s, struct spawning *spawning, struct err *e)
{
	if (!s->works)
		return 0;
	if (!spawning)
		return prepare_docker(s, e);
	compile_dirs_prepare(&s->compile, s->conf, &s->account);
	return spawning_prepare(spawning, s->conf, s->slots, s->langs, s->compile.headers, e);
}

static int prepare_languages(struct engine_setup *s, struct err *e)
{
	AUTO_FREE char *dir = paths_languages_dir(s->conf);

	if (!dir)
		return err_set(e, ERR_IO, 0, "out of memory");
	s->langs = lang_table_load(dir, e);
	return s->langs ? 0 : -1;
}

/* All that needs root's eyes or hands, before the first fork. */
static int prepare(struct engine_setup *s, struct spawning *spawning, struct err *e)
{
	if (account_find(s->conf->user, &s->account, e) < 0)
		return -1;
	if (s->conf->queue == CONF_BACKEND_SQLITE && data_dir_prepare(s->conf->data_dir, &s->account, e) < 0)
		return -1;
	if (prepare_languages(s, e) < 0 || prepare_worker(s, spawning, e) < 0)
		return -1;
	/* By root and before any fork: port 80 is possible, and the socket outlives an engine. */
	if (s->serves && open_listener(s, e) < 0) {
		if (spawning)
			spawning_done(spawning);
		return -1;
	}
	open_files_raise((unsigned long)s->conf->connections_max + s->slots * FILES_PER_SLOT +
			 FILES_OF_ITS_OWN);
	return 0;
}

static int run_role(const struct role *r, const struct conf *conf)
{
	struct engine_setup setup = { .conf = conf,
				      .slots = conf->concurrency > 0 ? (unsigned)conf->concurrency
								     : spawning_default_slots(),
				      .serves = r->serves,
				      .works = r->works,
				      .compile.rootfs = -1,
				      .listener = -1 };
	struct spawning native = { .binary = -1, .config = -1 };
	struct spawning *spawning = r->works && conf->executor == CONF_EXECUTOR_NATIVE ? &native : NULL;
	struct err e;
	int code;

	log_setup((enum log_level)conf->log_level, conf->log_json, "monitor");
	/* What we were started with open would be open in the engine, too. */
	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		return cmd_fail(EXIT_CODE_CONFIG, "close_range: %s; Linux 6.1 or newer is needed",
				strerror(errno));
	code = check_role(r, conf);
	if (code != EXIT_CODE_OK)
		return code;
	if (prepare(&setup, spawning, &e) < 0) {
		lang_table_free(setup.langs);
		compile_dirs_done(&setup.compile);
		free(setup.box);
		return cmd_fail(EXIT_CODE_CONFIG, "%s", e.msg);
	}
	code = monitor_run(&setup, spawning);
	if (setup.serves)
		(void)close(setup.listener);
	if (spawning)
		spawning_done(spawning);
	compile_dirs_done(&setup.compile);
	free(setup.box);
	lang_table_free(setup.langs);
	return code;
}

static int run(const struct role *r, int argc, char *argv[])
{
	struct conf conf;
	int code = cmd_load_conf(r->verb, argc, argv, &conf);

	if (code != EXIT_CODE_OK)
		return code;
	code = run_role(r, &conf);
	conf_done(&conf);
	return code;
}

int cmd_serve(int argc, char *argv[])
{
	static const struct role both = { "serve", true, true };

	return run(&both, argc, argv);
}

int cmd_server(int argc, char *argv[])
{
	static const struct role api = { "server", true, false };

	return run(&api, argc, argv);
}

int cmd_worker(int argc, char *argv[])
{
	static const struct role worker = { "worker", false, true };

	return run(&worker, argc, argv);
}
