/* SPDX-License-Identifier: MIT */
/* serve, and its two halves that wait for the distributed mode. */
#include <stdlib.h>
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

static int refuse_unbuilt(const struct conf *conf)
{
	if (conf->queue != CONF_BACKEND_SQLITE)
		return cmd_fail(EXIT_CODE_CONFIG, "the Redis queue is not built yet: unset REDIS_URL and "
						  "CODECRUSHER_QUEUE to use the embedded one");
	if (conf->store != CONF_BACKEND_SQLITE)
		return cmd_fail(EXIT_CODE_CONFIG, "the MongoDB store is not built yet: unset MONGO_URL and "
						  "CODECRUSHER_STORE to use the embedded one");
	return EXIT_CODE_OK;
}

static void warn_when_open(int listener)
{
	char url[LISTENER_URL_SIZE] = "";

	if (listener_is_loopback(listener))
		return;
	(void)listener_url(listener, url, sizeof(url));
	log_warn(NULL,
		 "%s can be reached from other machines and asks nobody for a password: put it behind "
		 "something that does",
		 url);
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

/* All that needs root's eyes or hands, before the first fork. `spawning` is NULL for the Docker executor. */
static int prepare(struct engine_setup *s, struct spawning *spawning, struct err *e)
{
	AUTO_FREE char *dir = paths_languages_dir(s->conf);

	if (account_find(s->conf->user, &s->account, e) < 0)
		return -1;
	if (data_dir_prepare(s->conf->data_dir, &s->account, e) < 0)
		return -1;
	s->langs = dir ? lang_table_load(dir, e) : NULL;
	if (!s->langs)
		return dir ? -1 : err_set(e, ERR_IO, 0, "out of memory");
	if (spawning ? spawning_prepare(spawning, s->conf, s->slots, e) < 0 : prepare_docker(s, e) < 0)
		return -1;
	/* By root and before any fork: port 80 is possible, and the socket outlives an engine. */
	s->listener = http_listen(s->conf->host, (int)s->conf->port, e);
	if (s->listener < 0) {
		if (spawning)
			spawning_done(spawning);
		return -1;
	}
	open_files_raise((unsigned long)s->conf->connections_max + s->slots * FILES_PER_SLOT +
			 FILES_OF_ITS_OWN);
	return 0;
}

static int serve(const struct conf *conf)
{
	struct engine_setup setup = { .conf = conf,
				      .slots = conf->concurrency > 0 ? (unsigned)conf->concurrency
								     : spawning_default_slots() };
	struct spawning native, *spawning = conf->executor == CONF_EXECUTOR_NATIVE ? &native : NULL;
	struct err e;
	int code;

	log_setup((enum log_level)conf->log_level, conf->log_json, "monitor");
	code = refuse_unbuilt(conf);
	if (code != EXIT_CODE_OK)
		return code;
	if (geteuid() != 0)
		return cmd_fail(
			EXIT_CODE_CONFIG,
			"serve must be started as root (sudo codecrusher serve): it builds containers, "
			"and gives root up itself where it is not needed");
	if (prepare(&setup, spawning, &e) < 0) {
		lang_table_free(setup.langs);
		free(setup.box);
		return cmd_fail(EXIT_CODE_CONFIG, "%s", e.msg);
	}
	warn_when_open(setup.listener);
	code = monitor_run(&setup, spawning);
	(void)close(setup.listener);
	if (spawning)
		spawning_done(spawning);
	free(setup.box);
	lang_table_free(setup.langs);
	return code;
}

int cmd_serve(int argc, char *argv[])
{
	struct conf conf;
	int code = cmd_load_conf("serve", argc, argv, &conf);

	if (code != EXIT_CODE_OK)
		return code;
	code = serve(&conf);
	conf_done(&conf);
	return code;
}

int cmd_server(int argc, char *argv[])
{
	(void)argc;
	(void)argv;
	return cmd_fail(EXIT_CODE_CONFIG,
			"server (the API alone) is not built yet: use codecrusher serve, which "
			"is API and worker in one");
}

int cmd_worker(int argc, char *argv[])
{
	(void)argc;
	(void)argv;
	return cmd_fail(EXIT_CODE_CONFIG,
			"worker (the worker alone) is not built yet: use codecrusher serve, "
			"which is API and worker in one");
}
