/* SPDX-License-Identifier: MIT */
/*
 * What a job is: the submission that came in, the limits it runs under, and the result it ends with. Pure
 * data; nothing here does I/O or reads a clock. JSON is in job/submission.h and job/result.h, the stored form
 * in job/codec.h.
 */
#ifndef JOB_JOB_H
#define JOB_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/id.h"

/* How a job, or one step of it, ended. The first limit that fired names it; never guessed from a signal. */
enum verdict {
	VERDICT_OK,
	VERDICT_RUNTIME_ERROR,
	VERDICT_COMPILE_ERROR,
	VERDICT_CPU_TIME_LIMIT,
	VERDICT_WALL_TIME_LIMIT,
	VERDICT_MEMORY_LIMIT,
	VERDICT_OUTPUT_LIMIT,
	VERDICT_WRONG_ANSWER, /* for judging; no job ends so yet */
	VERDICT_CANCELLED,
	VERDICT_INTERNAL_ERROR,
};
#define VERDICT_COUNT (VERDICT_INTERNAL_ERROR + 1)

/* "ok", "cpu_time_limit", …: the names of the API. */
const char *verdict_name(enum verdict v);
bool verdict_from_name(const char *name, enum verdict *ret_verdict);

/* Where a job is. */
enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_FINISHED };
const char *job_state_name(enum job_state s);

/* All in the units of their names. 0 stands for "not given" until limits_resolve has been there. */
struct limits {
	int64_t cpu_ms;
	int64_t wall_ms;
	int64_t memory_bytes;
	int64_t processes;    /* threads count too: it is the pids cgroup */
	int64_t output_bytes; /* each of stdout and stderr */
	int64_t file_bytes;   /* largest single file: RLIMIT_FSIZE */
	int64_t disk_bytes;   /* the tmpfs behind work directory, /tmp and /dev/shm; its pages count as memory
			       */
};

/* Fills what `l` does not give from `defaults`. */
void limits_resolve(struct limits *l, const struct limits *defaults);

/* One row per limit, for every place that reads, checks or prints them: `name` is the API's ("cpuMs"). */
struct limit_field {
	const char *name;
	size_t offset; /* of the int64_t in struct limits */
};
extern const struct limit_field limit_fields[];
extern const size_t n_limit_fields;
int64_t *limit_at(struct limits *l, const struct limit_field *f);
int64_t limit_value(const struct limits *l, const struct limit_field *f);

struct bytes {
	char *data; /* owned; a NUL follows the last byte when made by this module; NULL while empty */
	size_t len;
};
void bytes_done(struct bytes *b);
/* False when memory is short. */
bool bytes_set(struct bytes *b, const void *data, size_t len);

/* An owned array of owned strings; `items` is NULL-terminated when n > 0, NULL when empty. */
struct strings {
	char **items;
	size_t n;
};
void strings_done(struct strings *s);
/* Both: false when memory is short. strings_take makes `text` the list's own, and frees it on false. */
bool strings_add(struct strings *s, const char *text);
bool strings_take(struct strings *s, char *text);

struct job_file {
	char *name; /* relative, without "..", empty parts or NUL: checked at the door */
	struct bytes content;
};

/*
 * A validated submission. Reference-counted, since API, queue and worker hold it at once; immutable after
 * submission_parse. One thread at a time may change the count: the event loop's.
 */
struct submission {
	unsigned refs;
	char id[JOB_ID_SIZE];
	int64_t created_ms;
	int64_t share;	/* jobs that its owner (id_owner) may have waiting, this one too; 0: any number. Not
			   stored */
	char *language; /* the language's own name, never an alias */
	char *version;	/* as asked for, or NULL */
	struct job_file *files; /* files[0] is the main file; at least one */
	size_t n_files;
	struct bytes input; /* stdin */
	struct strings args;
	struct strings env; /* "NAME=value" */
	struct strings compiler_flags;
	struct limits limits; /* resolved: every field is set */
	struct limits compile_limits;
};

struct submission *submission_new(void); /* one reference; NULL when memory is short */
struct submission *submission_ref(struct submission *s);
void submission_unref(struct submission *s); /* NULL is fine */
DEFINE_AUTO(struct submission, submission_unref)

struct output {
	struct bytes data;
	bool truncated;
};

/* What one container reported of one program. */
struct step_result {
	enum verdict verdict; /* ok, runtime_error, or the limit that fired */
	int exit_code;	      /* -1: none, it was signalled or killed */
	int signal;	      /* 0: none */
	struct output out;
	struct output err;
	int64_t cpu_us;
	int64_t wall_us;
	int64_t memory_bytes; /* peak of the container */
	bool cached;	      /* compile steps: the artefact came from a cache */
};

/* The terminal result of a job. */
struct result {
	unsigned refs;
	char id[JOB_ID_SIZE];
	char *language;
	char *version; /* of the toolchain that ran it, or NULL when none did */
	enum verdict verdict;
	char *message; /* a sentence for whoever sent the job, or NULL when stdout or stderr say it */
	bool compiled; /* `compile` is set */
	bool ran;      /* `run` is set */
	struct step_result compile;
	struct step_result run;
	int64_t created_ms;
	int64_t started_ms; /* 0: never started */
	int64_t finished_ms;
	int attempts;
	bool foreign; /* from a worker that is not ours */
	char *weak; /* in what its container was weaker than it could be: names, with commas; NULL: in nothing
		     */
};

struct result *result_new(void);
struct result *result_ref(struct result *r);
void result_unref(struct result *r);
DEFINE_AUTO(struct result, result_unref)

/* A result for a job that no container ended: cancelled, or internal_error with its sentence. All strings are
 * copied, `message` may be NULL; started_ms stays 0, the caller sets it if it knows one. */
struct result *result_without_run(const char *id, const char *language, int64_t created_ms,
				  int64_t finished_ms, int attempts, enum verdict v, const char *message);

/* "SIGKILL" for 9, "SIG40" for what has no name of its own; NULL for 0. The text is static or thread-local.
 */
const char *signal_name(int signal);

#endif
