/* SPDX-License-Identifier: MIT */
/* What the parts of a slot's inside share: init (pid 1) and the job process. See slot.h. */
#ifndef SANDBOX_INSIDE_H
#define SANDBOX_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/slot.h"

struct spec_view;

/* report.c */

/* Sends one report; when the spawner is gone there is nobody left to tell. `step` is cut to its field. */
void report_send(int sock, enum slot_report_type type, int error, const char *step);

/* Reports `type` and ends the process. 127 is what a shell answers for a command it cannot start. */
_Noreturn void report_and_exit(int sock, enum slot_report_type type, int error, const char *step);

/* slot_mounts.c: all of it before any code of the user exists in the slot. 0, or -1 with the reason. */
int slot_namespaces(const struct slot_plan *plan, struct err *e);
int slot_mounts(const struct slot_plan *plan, struct err *e);

/* restrict.c, for the spawner, which executes nothing any more: what it drops once none of its slots has to
 * drop, and there are 41 of them. */
int restrict_bounding_set(struct err *e);

/* restrict.c: each is final for the calling process. 0, or -1 with the reason. */
int restrict_job(const struct slot_plan *plan, struct err *e);
int restrict_init(const struct slot_plan *plan, struct err *e);
/* Of another process of the same uid, or, 0, of this one. */
int restrict_run_limits(pid_t pid, int64_t file_bytes, int64_t cpu_seconds);
/* What restrict_init does but for the parent death signal: in a container of somebody else's making, the
 * parent is a thread that may end before us. */
int restrict_guard(uid_t uid, uid_t file_uid, const struct sock_fprog *filter, struct err *e);

/* job.c: the process that becomes the program. `restricted` is the write end of a pipe on which one byte says
 * that every restriction is in force. */
_Noreturn void job_main(const struct slot_plan *plan, int restricted);

/* feeder.c: the process that hands a warm interpreter its program. It writes one byte to `arrived` when the
 * interpreter has opened its main file, and ends with 0 when all but that file's content is in place. */
_Noreturn void feeder_main(const struct slot_plan *plan, int arrived, pid_t interpreter);

struct init_work {
	int report;
	int signals;
	int box; /* a directory descriptor of /box */
	pid_t main_pid;
	pid_t feeder;	    /* -1: a plain slot */
	int fifo;	    /* for writing, non-blocking; -1 */
	int unread;	    /* the same for reading; -1 */
	const char *source; /* the main file's name */
};

/* init_loop.c: waits for the program's end and tells it. */
_Noreturn void init_loop(const struct init_work *work);

/* feed.c: the main file's bytes on their way into the FIFO. */
struct feed {
	int fifo;   /* -1: nothing (more) to do */
	int unread; /* the same FIFO for reading: only to see how much of it nobody has read; -1 */
	size_t len, done;
};
/* Takes the file below `box` into memory. 0, or -1 with errno. */
int feed_load(struct feed *f, int box, const char *source);
/* Writes what the FIFO takes; closes it after the last byte, or when nobody reads any more. False: there is
 * more, wait for room. */
bool feed_pump(struct feed *f);
/* Whether not one of the bytes written so far has been read: the program has not begun. */
bool feed_is_untouched(const struct feed *f);

/* What the program's PATH is, unless its image has one of its own. */
#define PROGRAM_PATH_VARIABLE "PATH=/usr/local/bin:/usr/bin:/bin"
#define PROGRAM_PATH	      (&PROGRAM_PATH_VARIABLE[sizeof("PATH=") - 1])

/* job_env.c: the environment of the program: ours, then `own` (NULL-terminated, at most JOB_ENV_OWN_MAX, may
 * be NULL), then `n_env` strings of the spec, the later of two with one name winning. Points into its
 * arguments; valid until the next call. */
#define JOB_ENV_OWN_MAX 256
char **job_environment(char *const *own, char *env, uint32_t n_env);

/* program.c: the last steps of a process on its way to become the program. */

/* Every signal is as a program expects it: not blocked, not ignored. */
void program_default_signals(void);
/* When memory runs out, the kernel is to end the program, not init. 0, or -1 with errno. */
int program_prefer_for_oom(void);
/* The spec's argv. Points into the view; valid until the next call. */
char **program_arguments(const struct spec_view *v);
/* As execvp, but searches `path` and does not try a shell. Returns only on failure: the errno worth telling.
 */
int program_exec(char **argv, char **envp, const char *path);

/* unpack.c: creates the files of a spec or file set below the working directory. 0, or -1 with errno. */
int unpack_files(struct spec_view *v);

/* collect.c: the regular files below `box` whose path matches one of the spec's patterns, as a sealed file
 * set. Only when no process of the program is left. The descriptor, or -1 with the reason. */
int collect_files(int box, int spec, const struct slot_collect *want, struct err *e);

#endif
