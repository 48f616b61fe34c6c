/* SPDX-License-Identifier: MIT */
/*
 * What happens inside Redis, each in one step: our own scripts over the keys and fields of BullMQ's queues
 * (docs/distributed.md). Every script takes one key, the prefix "bull:name:", and gets all else as arguments.
 * They may be run again after a connection was lost: what has been done already is not done twice.
 */
#ifndef QUEUE_REDIS_SCRIPTS_H
#define QUEUE_REDIS_SCRIPTS_H

enum redis_script {
	/* id, name, data, opts, timestamp, most waiting jobs (0: any number), owner or "", of whom so many
	 * may wait (0: any number). 1 added, 0 it was there, -1 full, -2 its owner has so many waiting. */
	SCRIPT_ADD,
	/* now, token, lock ms, worker's name. {1, id, fields…} a job; {0, ms} none, the next delayed one is
	 * due then (0: there is none); {2, ms} the rate limit lets none through for so long. */
	SCRIPT_FETCH,
	/* id, token, now, "completed" or "failed", value, keep count (-1: all), keep age in s (-1: for ever),
	 * most to remove, attempts, stack trace as JSON, our result as JSON or "". 0, or -1 no job, -2 no
	 * lock, -3 not active, -6 another's lock. */
	SCRIPT_FINISH,
	/* id, token, now, delay ms, reason, stack trace as JSON, 1 when a retry goes to the front. As above.
	 */
	SCRIPT_RETRY,
	/* id, token, now, delay ms. Back to the front (or into the delayed ones) with no attempt consumed. As
	 * above.
	 */
	SCRIPT_GIVE_BACK,
	/* lock ms, then id and token again and again. A list: 0 renewed, 1 lost, 2 renewed but cancelled. */
	SCRIPT_RENEW,
	/* now, interval ms, most starts of a job whose opts do not ask for more. The number of jobs that were
	 * put back; one that was started often enough gets `defa`, for the next worker to end it. */
	SCRIPT_STALLED,
	/* id, now, reason, our result as JSON, its owner or "". 1: it waited, and has ended as failed; 0: it
	   does not wait. */
	SCRIPT_WITHDRAW,
	/* id, channel. 1: its worker was told; 2: its worker is of another kind; 0: it does not run. */
	SCRIPT_CANCEL,
	/* id. {"wait", "active", "ended" or "missing"; position or -1; timestamp; 1 when it had ended before
	 * and somebody retried it}. */
	SCRIPT_WHERE,
	/* ids. A list of "there", "ended", "missing". */
	SCRIPT_STATES,
	/* id. {} while it has not ended, else (and that is noted, as by every end) {"completed" or "failed",
	 * returnvalue, failedReason, timestamp, processedOn, finishedOn, ats, data, our result}. */
	SCRIPT_OUTCOME,
	/* id. A job that had ended before has its new row. */
	SCRIPT_BEGUN,
	/* id. Removes an ended job. */
	SCRIPT_FORGET,
	/* {waiting, active, timestamp of the oldest waiting or "0"}. */
	SCRIPT_COUNTS,
	/* worker, life ms, description, how long the dead are kept in ms. Life 0: it ends. */
	SCRIPT_HEARTBEAT,
	/* How long the dead are wanted in ms. The workers, at most 1000: a description, and the ms until it
	 * is dead (negative: since then), again and again. */
	SCRIPT_WORKERS,
	/* token. Gives the job back that a lost connection took with it. */
	SCRIPT_RECOVER,
};
#define SCRIPT_COUNT (SCRIPT_RECOVER + 1)

/* The whole text, owned by the module. */
const char *redis_script_text(enum redis_script s);

#endif
