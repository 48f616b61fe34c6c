/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/defence.h"
#include "sandbox/inside.h"

#define NO_CAPS	       0u
#define ONLY_CAP_KILL  (1u << CAP_KILL)

#define NOFILE_MAX     1024
#define STACK_MAX      ((rlim_t)64 << 20)
#define MEMLOCK_MAX    ((rlim_t)64 << 10)
#define MSGQUEUE_MAX   ((rlim_t)800 << 10)
#define SIGPENDING_MAX 4096

/* root's rules for uid 0 off, and nothing of it may ever change again. */
#define SECUREBITS                                                                                       \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED | \
	 SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

int restrict_bounding_set(struct err *e)
{
	int in;

	if (defence_is_off(DEFENCE_BOUNDING_SET))
		return 0;
	for (unsigned long cap = 0; (in = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0; cap++) {
		if (in > 0 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_set(e, ERR_IO, errno, "drop capability %lu from the bounding set", cap);
	}
	return 0;
}

/* Inheritable stays empty; all capabilities we ever keep have numbers below 32. */
static int keep_capabilities(uint32_t mask, struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = mask, .permitted = mask } };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_set(e, ERR_IO, errno, "clear the ambient capabilities");
	if (syscall(SYS_capset, &head, data) < 0)
		return err_set(e, ERR_IO, errno, "drop capabilities");
	return 0;
}

static int give_up_the_rest(uint32_t caps, struct err *e)
{
	if (!defence_is_off(caps ? DEFENCE_INIT_CAPABILITIES : DEFENCE_CAPABILITIES) &&
	    keep_capabilities(caps, e) < 0)
		return -1;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    ((caps || !defence_is_off(DEFENCE_NO_NEW_PRIVS)) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
		return err_set(e, ERR_IO, errno, "set no_new_privs");
	return 0;
}

/* In a user namespace with one id, an ordinary user's, the kernel forbids the call, lest a group that denies
 * something is dropped; that the groups stay is part of the weakness "uids". */
static int drop_groups(enum sandbox_ids ids, struct err *e)
{
	if (ids != SANDBOX_IDS_ONE && !defence_is_off(DEFENCE_GROUPS) && setgroups(0, NULL) < 0)
		return err_set(e, ERR_IO, errno, "drop supplementary groups");
	return 0;
}

/* The order matters: everything before keep_capabilities needs a capability that it takes away. */
static int become(uid_t uid, uid_t file_uid, uint32_t caps, struct err *e)
{
	if (prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0) < 0)
		return err_set(e, ERR_IO, errno, "lock the securebits");
	if (restrict_bounding_set(e) < 0)
		return -1;
	if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return err_set(e, ERR_IO, errno, "become uid %u", uid);
	if (file_uid != uid) {
		/* They report no errors; asking again with an invalid id tells what is in force. */
		(void)setfsgid(file_uid);
		(void)setfsuid(file_uid);
		if ((uid_t)setfsuid((uid_t)-1) != file_uid || (gid_t)setfsgid((gid_t)-1) != file_uid)
			return err_set(e, ERR_IO, 0, "take on the job's file access");
	}
	return give_up_the_rest(caps, e);
}

static int load_filter(const struct sock_fprog *filter, struct err *e)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter, 0, 0) < 0)
		return err_set(e, ERR_IO, errno, "load the seccomp filter");
	return 0;
}

/* Lowers only: root without CAP_SYS_RESOURCE cannot raise a hard limit, and has no need to. */
static int lower(__rlimit_resource_t what, rlim_t soft, rlim_t hard)
{
	struct rlimit now;

	if (prlimit(0, what, NULL, &now) < 0)
		return -1;
	if (hard > now.rlim_max)
		hard = now.rlim_max;
	if (soft > hard)
		soft = hard;
	now = (struct rlimit){ .rlim_cur = soft, .rlim_max = hard };
	return prlimit(0, what, &now, NULL);
}

/* Without a limit of our own there is what whoever started us has. */
static int lift(__rlimit_resource_t what)
{
	struct rlimit now;

	if (prlimit(0, what, NULL, &now) < 0)
		return -1;
	now.rlim_cur = now.rlim_max;
	return prlimit(0, what, &now, NULL);
}

static int standing_limits(struct err *e)
{
	static const struct {
		__rlimit_resource_t what;
		rlim_t soft, hard;
		enum defence defence;
	} limits[] = {
		{ RLIMIT_NOFILE, NOFILE_MAX, NOFILE_MAX, DEFENCE_RLIMIT_OPEN },
		{ RLIMIT_STACK, STACK_MAX, RLIM_INFINITY, DEFENCE_RLIMIT_STACKS },
		/* 1, not 0: only this value keeps the kernel from starting a core_pattern pipe as host root
		 * (core(5)). */
		{ RLIMIT_CORE, 1, 1, DEFENCE_RLIMIT_CORES },
		{ RLIMIT_MEMLOCK, MEMLOCK_MAX, MEMLOCK_MAX, DEFENCE_RLIMIT_LOCKED },
		{ RLIMIT_MSGQUEUE, MSGQUEUE_MAX, MSGQUEUE_MAX, DEFENCE_WITHOUT_SWITCH },
		{ RLIMIT_RTPRIO, 0, 0, DEFENCE_WITHOUT_SWITCH },
		{ RLIMIT_NICE, 0, 0, DEFENCE_WITHOUT_SWITCH },
		{ RLIMIT_SIGPENDING, SIGPENDING_MAX, SIGPENDING_MAX, DEFENCE_RLIMIT_SIGNALS },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int r = defence_is_off(limits[i].defence)
				? lift(limits[i].what)
				: lower(limits[i].what, limits[i].soft, limits[i].hard);

		if (r < 0)
			return err_set(e, ERR_IO, errno, "set resource limit %d", (int)limits[i].what);
	}
	return 0;
}

int restrict_job(const struct slot_plan *plan, struct err *e)
{
	/* Without no_new_privs only who still has capabilities may load a filter. */
	bool early = defence_is_off(DEFENCE_NO_NEW_PRIVS);

	if (!defence_is_off(DEFENCE_SESSION) && setsid() < 0)
		return err_set(e, ERR_IO, errno, "setsid");
	if (standing_limits(e) < 0 || (early && load_filter(plan->filter, e) < 0) ||
	    drop_groups(plan->ids, e) < 0 || become(plan->job_uid, plan->job_uid, NO_CAPS, e) < 0)
		return -1;
	return early || defence_is_off(DEFENCE_JOB_FILTER) ? 0 : load_filter(plan->filter, e);
}

/*
 * init keeps one capability, CAP_KILL: the program has another uid, and without it pid 1 could not end the
 * processes that the program leaves behind. It reaches no further than the slot, because a signal names a
 * process by its number in the slot's pid namespace, and the filter allows no other signal than
 * kill(-1, SIGKILL).
 *
 * Its file system uid is the job's, so that it may collect what the program may read, and no more. Signals
 * and ptrace look at the other uids: the program gains nothing over init.
 */
int restrict_guard(uid_t uid, uid_t file_uid, const struct sock_fprog *filter, struct err *e)
{
	if (drop_groups(SANDBOX_IDS_ROOT, e) < 0 || become(uid, file_uid, ONLY_CAP_KILL, e) < 0)
		return -1;
	return load_filter(filter, e);
}

int restrict_init(const struct slot_plan *plan, struct err *e)
{
	if (drop_groups(plan->ids, e) < 0 || become(plan->init_uid, plan->job_uid, ONLY_CAP_KILL, e) < 0)
		return -1;
	/* After the change of ids, which clears it. A spawner that died before is seen as a closed socket. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_set(e, ERR_IO, errno, "set the parent death signal");
	return defence_is_off(DEFENCE_INIT_FILTER) ? 0 : load_filter(plan->init_filter, e);
}

int restrict_run_limits(int64_t file_bytes, int64_t cpu_seconds)
{
	if (file_bytes <= 0 || cpu_seconds <= 0) {
		errno = EINVAL;
		return -1;
	}
	if (lower(RLIMIT_FSIZE, (rlim_t)file_bytes, (rlim_t)file_bytes) < 0)
		return -1;
	if (defence_is_off(DEFENCE_RLIMIT_SECONDS))
		return 0;
	return lower(RLIMIT_CPU, (rlim_t)cpu_seconds, (rlim_t)cpu_seconds);
}
