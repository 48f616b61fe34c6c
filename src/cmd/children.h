/* SPDX-License-Identifier: MIT */
/*
 * Child processes of a parent that takes its signals synchronously (sigtimedwait), without handlers and
 * without polling. Single-threaded parents only: a child's PDEATHSIG follows the thread that forked it.
 */
#ifndef CMD_CHILDREN_H
#define CMD_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Blocks SIGCHLD, SIGTERM, SIGINT and SIGHUP for children_wait_signal; ignores SIGPIPE. */
void children_take_signals(void);

/* In a child: all signals unblocked and at their defaults. */
void children_reset_signals(void);

/* Waits for one of the signals above at most `timeout_ms` (negative: for ever). Its number, or 0 at the
 * timeout. */
int children_wait_signal(int64_t timeout_ms);

/*
 * fork() of a child that dies with its parent, in a process group of its own when `own_group` (so that a
 * terminal's Ctrl-C reaches the parent alone). Signals are reset in the child. Returns as fork does.
 */
pid_t children_fork(bool own_group);

/* Asks the kernel again for SIGKILL at the parent's death: a change of user clears that wish. */
void children_die_with(pid_t parent);

/* Waits for the child's end for `timeout_ms`, then kills it. The wait status. Signals that come meanwhile are
 * dropped. */
int children_wait_or_kill(pid_t pid, int64_t timeout_ms);

/* "exit status 1", "signal 9 (Killed)". The text is static. */
const char *children_describe(int wait_status);

#endif
