/* SPDX-License-Identifier: MIT */
/* doctor: what the spawner finds out about the host, and what only the rest of the program knows. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/children.h"
#include "cmd/cmd.h"
#include "cmd/languages_probe.h"
#include "cmd/paths.h"
#include "cmd/probe_line.h"
#include "cmd/spawning.h"

struct examination {
	const struct conf *conf;
	struct lang_table *langs;
	bool failed; /* a worker would not start */
};

static void print_row(struct examination *x, const char *name, enum ability a, const char *what,
		      const char *advice)
{
	printf("%-18s %-8s %s%s%s\n", name, ability_name(a), what, *advice ? "; " : "", advice);
	if (a == ABILITY_MISSING)
		x->failed = true;
}

static void examine_user(struct examination *x)
{
	struct account account;
	char what[160];
	struct err e;

	if (account_find(x->conf->user, &account, &e) < 0) {
		print_row(x, "user", ABILITY_MISSING, e.msg, "");
		return;
	}
	if (geteuid() == 0)
		snprintf(what, sizeof(what), "the engine runs as %.64s (uid %u)", x->conf->user, account.uid);
	else
		snprintf(what, sizeof(what), "everything runs as uid %u, and nothing as root", account.uid);
	print_row(x, "user", ABILITY_OK, what, "");
}

static void examine_data_dir(struct examination *x)
{
	const char *path = x->conf->data_dir;
	struct account account;
	char what[300];
	struct stat st;
	struct err e;

	if (stat(path, &st) == 0 && account_find(x->conf->user, &account, &e) == 0 &&
	    st.st_uid != account.uid) {
		snprintf(what, sizeof(what), "%.200s belongs to uid %u, not to uid %u", path, st.st_uid,
			 account.uid);
		print_row(x, "data directory", ABILITY_MISSING, what,
			  "give it to that user, or set CODECRUSHER_DATA_DIR");
		return;
	}
	if (access(path, F_OK) == 0)
		snprintf(what, sizeof(what), "%.200s is there", path);
	else
		snprintf(what, sizeof(what), "%.200s will be made at the first start", path);
	print_row(x, "data directory", ABILITY_OK, what, "");
}

static void examine_languages_dir(struct examination *x)
{
	AUTO_FREE char *dir = paths_languages_dir(x->conf);
	struct err e = { .msg = "out of memory" };
	char what[320];

	x->langs = dir ? lang_table_load(dir, &e) : NULL;
	if (!x->langs) {
		print_row(x, "language files", ABILITY_MISSING, e.msg,
			  "set CODECRUSHER_LANGUAGES_DIR, or repair the file");
		return;
	}
	snprintf(what, sizeof(what), "%zu in %.250s", x->langs->n, dir);
	print_row(x, "language files", ABILITY_OK, what, "");
}

static void examine_line(struct examination *x, char *line)
{
	struct probe_line l;

	line[strcspn(line, "\n")] = '\0';
	if (probe_line_parse(line, &l))
		print_row(x, l.name, l.ability, l.what, l.advice);
	else
		log_warn(NULL, "the spawner's answer has a line that is none: %s", line);
}

static void examine_isolation(struct examination *x, const struct spawning *spawning)
{
	AUTO_FCLOSE FILE *in = NULL;
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	int out = -1, status = 0;
	struct err e;
	pid_t pid = spawning_probe(spawning, &out, &e);

	if (pid < 0) {
		print_row(x, "spawner", ABILITY_MISSING, e.msg, "");
		return;
	}
	in = fdopen(out, "r");
	while (in && getline(&line, &size, in) > 0)
		examine_line(x, line);
	(void)waitpid(pid, &status, 0);
	if (!WIFEXITED(status))
		print_row(x, "spawner", ABILITY_MISSING, children_describe(status), "");
	else if (WEXITSTATUS(status) != 0)
		x->failed = true;
}

static void examine_spawner(struct examination *x)
{
	struct spawning spawning;
	struct err e;

	if (spawning_prepare(&spawning, x->conf, 1, NULL, NULL, &e) < 0) {
		print_row(x, "spawner", ABILITY_MISSING, e.msg, "");
		return;
	}
	examine_isolation(x, &spawning);
	spawning_done(&spawning);
}

/* A missing toolchain is no reason to refuse: the server says so to whoever asks for that language. */
static int print_languages(struct local *l, void *arg)
{
	struct examination *x = arg;
	char name[40], advice[160];
	struct err e;

	if (languages_probe(l, x->langs, &e) < 0)
		return cmd_fail(EXIT_CODE_FAILED, "%s", e.msg);
	for (size_t i = 0; i < x->langs->n; i++) {
		const struct lang *lang = &x->langs->langs[i];

		snprintf(name, sizeof(name), "language %s", lang->name);
		snprintf(advice, sizeof(advice), "install %s",
			 lang->package ? lang->package : "its toolchain");
		if (lang->available)
			print_row(x, name, ABILITY_OK, lang->version ? lang->version : "available", "");
		else
			print_row(x, name, ABILITY_WEAK, "its toolchain does not run in a container", advice);
	}
	return EXIT_CODE_OK;
}

static int examine(const struct conf *conf)
{
	struct examination x = { .conf = conf };
	int code;

	examine_user(&x);
	examine_data_dir(&x);
	examine_languages_dir(&x);
	examine_spawner(&x);
	code = x.failed ? EXIT_CODE_FAILED : EXIT_CODE_OK;
	if (!x.failed)
		code = local_run(conf, spawning_default_slots(), print_languages, &x, EXIT_CODE_FAILED);
	lang_table_free(x.langs);
	return code;
}

int cmd_doctor(int argc, char *argv[])
{
	struct conf conf;
	int code = cmd_load_conf("doctor", argc, argv, &conf);

	if (code != EXIT_CODE_OK)
		return code;
	cmd_be_quiet(&conf);
	code = examine(&conf);
	conf_done(&conf);
	return code;
}
