/* SPDX-License-Identifier: MIT */
/* The program's entry: which verb, help, and the one line on standard error when something is wrong. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/rootless.h"

extern char **environ;

static const char serve_help[] =
	"Usage: codecrusher serve [SETTING...]\n"
	"\n"
	"Starts the API and a worker with an embedded queue and store. Started as root, gives it up where it "
	"is\n"
	"not needed; as an ordinary user it isolates less (docs/rootless.md). Ends in order on SIGTERM or "
	"SIGINT: running jobs get SHUTDOWN_TIMEOUT to end.\n"
	"\n"
	"Exit status: 0 after an orderly end, 2 wrong usage, 78 a setting or the host must be changed first\n"
	"(codecrusher doctor says more), 1 anything else.\n";

static const char server_help[] =
	"Usage: codecrusher server [SETTING...]\n"
	"\n"
	"The API without a worker: jobs wait in Redis (REDIS_URL) and are kept in MongoDB (MONGO_URL), for "
	"any\n"
	"number of `codecrusher worker` to run. Needs no root; started as root, gives it up.\n";

static const char worker_help[] =
	"Usage: codecrusher worker [SETTING...]\n"
	"\n"
	"A worker without the API: takes jobs from Redis (REDIS_URL), keeps results in MongoDB (MONGO_URL).\n"
	"Started as root, gives it up where it is not needed; as an ordinary user it isolates less\n"
	"(docs/rootless.md). On SIGTERM or SIGINT it takes no more jobs; "
	"those that\n"
	"run get SHUTDOWN_TIMEOUT to end and are given back otherwise.\n";

static const char run_help[] =
	"Usage: codecrusher run [OPTION...] FILE [-- ARG...]\n"
	"\n"
	"Runs one program in a container, without a server. Its output comes through as it is written, and "
	"its\n"
	"exit status becomes this one's. Started as root, gives it up before it looks at the program; an\n"
	"ordinary user needs a control group to write to (docs/rootless.md).\n"
	"\n"
	"  --lang LANGUAGE     instead of going by the file's extension\n"
	"  --stdin FILE        what the program reads; otherwise standard input, unless that is a terminal\n"
	"  --limit NAME=N      cpuMs, wallMs, memoryBytes, processes, outputBytes, fileBytes, diskBytes of "
	"the\n"
	"                      run; K, M and G may follow. Up to the settings' maxima; outputBytes is there "
	"by\n"
	"                      default\n"
	"  --flag FLAG         a compiler flag of the language's allow-list; may be given again\n"
	"  --summary           at the end, one line on standard error: verdict, exit, times, memory\n"
	"\n"
	"Exit status: the program's own, 128+N when signal N ended it, or\n"
	"  123 output limit   124 CPU or wall time limit   137 memory limit   126 compile error\n"
	"  127 the interpreter could not be started        125 codecrusher itself failed, or wrong usage\n";

static const char languages_help[] = "Usage: codecrusher languages [--json] [SETTING...]\n"
				     "\n"
				     "Lists the languages. As root, each toolchain is asked for its version "
				     "in a container; otherwise only\n"
				     "what the language files say is shown.\n";

static const char doctor_help[] = "Usage: codecrusher doctor [SETTING...]\n"
				  "\n"
				  "Says what this host can and cannot isolate: one line per ability with ok, "
				  "weak or missing, and what to\n"
				  "do about it. Exit status 0 when a worker would start, else 1. Give it the "
				  "settings the server gets.\n";

static const char key_help[] =
	"Usage: codecrusher key NAME [SETTING...]\n"
	"\n"
	"Makes an API key. Prints the key, which is shown nowhere again, and the line for API_KEYS_FILE, "
	"which "
	"has\n"
	"only its hash. A running server reads the file again on SIGHUP. NAME owns the jobs; several keys of "
	"one\n"
	"name are one client. Settings go into the line:\n"
	"\n"
	"  rate=N       requests a second, instead of KEY_RATE; 0: no limit\n"
	"  burst=N      requests at once, instead of KEY_BURST\n"
	"  queue=N      percent of MAX_QUEUE, instead of KEY_QUEUE_SHARE\n"
	"  all          sees the jobs of all names, and the metrics\n";

static const char version_help[] = "Usage: codecrusher version\n"
				   "\n"
				   "Prints the version, the build, and the libraries in use.\n";

static const struct verb {
	const char *name;
	const char *summary;
	const char *help;
	enum help_end { HELP_NO_SETTINGS, HELP_MENTIONS_SETTINGS, HELP_LISTS_SETTINGS } end;
	cmd_fn *run;
} verbs[] = {
	{ "serve", "API and worker in one, embedded queue and store", serve_help, HELP_LISTS_SETTINGS,
	  cmd_serve },
	{ "server", "the API alone, over Redis and MongoDB", server_help, HELP_LISTS_SETTINGS, cmd_server },
	{ "worker", "a worker alone, over Redis and MongoDB", worker_help, HELP_LISTS_SETTINGS, cmd_worker },
	{ "run", "one program from the shell, without a server", run_help, HELP_MENTIONS_SETTINGS, cmd_run },
	{ "languages", "what can be run here", languages_help, HELP_MENTIONS_SETTINGS, cmd_languages },
	{ "doctor", "what this host can and cannot isolate", doctor_help, HELP_MENTIONS_SETTINGS,
	  cmd_doctor },
	{ "key", "a new API key, and its line for API_KEYS_FILE", key_help, HELP_NO_SETTINGS, cmd_key },
	{ "version", "version and libraries", version_help, HELP_NO_SETTINGS, cmd_version },
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

int cmd_fail(int code, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "codecrusher: %s\n", text);
	return code;
}

int cmd_load_conf(const char *verb, int argc, char *argv[], struct conf *conf)
{
	struct err e;

	if (conf_load(conf, environ, &argc, argv, &e) < 0)
		return cmd_fail(EXIT_CODE_CONFIG, "%s", e.msg);
	if (rootless_adapt(conf, &e) < 0) {
		conf_done(conf);
		return cmd_fail(EXIT_CODE_CONFIG, "%s", e.msg);
	}
	if (argc > 0) {
		cmd_fail(EXIT_CODE_USAGE, "%s: unknown word \"%s\" (see codecrusher %s --help)", verb,
			 argv[0], verb);
		conf_done(conf);
		return EXIT_CODE_USAGE;
	}
	return EXIT_CODE_OK;
}

void cmd_be_quiet(struct conf *conf)
{
	bool asked = conf->log_level != LOG_INFO;

	log_setup(asked ? (enum log_level)conf->log_level : LOG_WARN, conf->log_json, "codecrusher");
	if (!asked) /* the spawner's warnings are doctor's to show */
		conf->log_level = LOG_ERROR;
}

static void print_usage(FILE *out)
{
	fputs("CodeCrusher runs programs that nobody has read, each in a container of its own.\n"
	      "\n"
	      "Usage: codecrusher VERB [OPTION...]\n"
	      "\n",
	      out);
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
	fputs("\ncodecrusher VERB --help tells more.\n", out);
}

static int print_help(const struct verb *v)
{
	AUTO_FREE char *settings = v->end == HELP_LISTS_SETTINGS ? conf_help() : NULL;

	fputs(v->help, stdout);
	if (settings)
		printf("\n%s", settings);
	else if (v->end == HELP_MENTIONS_SETTINGS)
		puts("\nSettings are taken as well, as flags or environment: codecrusher serve --help lists "
		     "them.");
	return EXIT_CODE_OK;
}

/* A "--help" behind "--" is the program's. */
static bool wants_help(int argc, char *argv[])
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	}
	return false;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < N_VERBS; i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	}
	return NULL;
}

int main(int argc, char *argv[])
{
	const struct verb *v;

	if (argc < 2) {
		print_usage(stderr);
		return EXIT_CODE_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_usage(stdout);
		return EXIT_CODE_OK;
	}
	if (!strcmp(argv[1], "--version"))
		return cmd_version(0, NULL);
	v = find_verb(argv[1]);
	if (!v)
		return cmd_fail(EXIT_CODE_USAGE, "there is no verb \"%s\" (codecrusher --help lists them)",
				argv[1]);
	if (wants_help(argc - 2, argv + 2))
		return print_help(v);
	return v->run(argc - 2, argv + 2);
}
