/* SPDX-License-Identifier: MIT */
/* What the parts of a slot's inside share: init (pid 1) and the job process. See slot.h. */
#ifndef SANDBOX_INSIDE_H
#define SANDBOX_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/slot.h"
#include "sandbox/spec_reader.h"

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
int restrict_run_limits(int64_t file_bytes, int64_t cpu_seconds);
/* What restrict_init does but for the parent death signal: in a container of somebody else's making, the
 * parent is a thread that may end before us. */
int restrict_guard(uid_t uid, uid_t file_uid, const struct sock_fprog *filter, struct err *e);

/* job.c: the process that becomes the program. `init` is a socket to init. */
_Noreturn void job_main(const struct slot_plan *plan, int init);

/* request.c */

/* A run, as the spawner sends it. The descriptors are the receiver's to close. */
struct request {
	struct slot_go order;
	int spec, input, artifacts; /* -1: not sent */
};

/* Takes the page faults of a small request now rather than on the way to the program. */
void request_prepare(void);
/* 1; 0: the spawner dropped the slot, or is gone; -1 with errno: EAGAIN only without `wait`, EPROTO for a
 * message that is no request. */
int request_receive(struct request *r, int sock, bool wait);
/* The spec (SPEC_MAGIC) or file set (SPEC_SET_MAGIC) in `fd`, checked; static storage, one at a time. NULL
 * with errno. */
struct spec_view *request_load(int fd, uint32_t magic);

/* handover.c: what init of a warm slot does for its interpreter. */
struct handover {
	const struct sandbox_warm *warm;
	int box;       /* a directory descriptor of /box */
	int go;	       /* where the request comes; -1: it has come */
	int input;     /* the memfd behind the interpreter's descriptor 0 */
	int fifo;      /* the main file, for writing; -1: the program is all there */
	int unread;    /* the same for reading: only to see how much of it nobody has read */
	pid_t doorman; /* waits for the interpreter to open its main file, and is gone before a program comes
			*/
	int status;    /* of the interpreter, in /proc */
	int spec;      /* the program's, while it goes through the FIFO */
	struct spec_view *program;
	uint64_t at, left; /* what is still to go through the FIFO, in the spec */
	size_t done;	   /* and what went */
};

/* Makes the FIFO and the rest, while this process may. 0, or -1 with errno. */
int handover_prepare(struct handover *h, const struct slot_plan *plan, int box);
/* In the process that becomes the interpreter, and in init: a descriptor of its /proc/self/status goes over
 * the socket between the two, because hidepid shows it to nobody else. 0, or -1. */
int handover_introduce(int sock);
int handover_meet(struct handover *h, int sock);
/* Starts the process that waits for the interpreter; `sock` is its end of the socket to init, `other` init's.
 * 0, or -1 with errno. */
int handover_post_doorman(struct handover *h, int sock, int other);
/* The doorman has sent its byte to `sock`: takes the FIFO over, closes `sock` and sees the doorman end. 0, or
 * -1 with errno. */
int handover_arrived(struct handover *h, int sock);
/* There is something on `go`: puts everything in its place, and begins to write the program into the FIFO.
 * -1: it cannot be done, which has been reported. Ends the process when the slot is of no use. */
int handover_take(struct handover *h, int report);
/* Writes what the FIFO takes; closes it after the last byte. */
void handover_pump(struct handover *h);
/* Whether not one byte of a program has been read: it has not begun. */
bool handover_is_untouched(const struct handover *h);

struct init_work {
	int report;
	int signals;
	int box; /* a directory descriptor of /box */
	pid_t main_pid;
	struct handover *handover; /* NULL: a plain slot */
};

/* init_loop.c: waits for the program's end and tells it. */
_Noreturn void init_loop(const struct init_work *work);

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

/* unpack.c: creates the files of a spec or file set below `dir` (AT_FDCWD: the working directory). 0, or -1
 * with errno. */
int unpack_files(int dir, struct spec_view *v);

/* collect.c: the regular files below `box` whose path matches one of the spec's patterns, as a sealed file
 * set. Only when no process of the program is left. The descriptor, or -1 with the reason. */
int collect_files(int box, int spec, const struct slot_collect *want, struct err *e);

#endif
