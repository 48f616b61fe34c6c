/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/instance.h"
#include "sandbox/probe_items.h"

#define DEFAULT_UID_BASE 0x70000000u

static void check_rootless(struct probe *p, enum sandbox_ids ids)
{
	struct probe_item *item;

	if (ids == SANDBOX_IDS_ROOT)
		return;
	item = probe_add(p, "rootless", PROBE_WEAK,
			 "the spawner has its powers in a user namespace of an ordinary user only");
	item->weakness = SANDBOX_WEAK_ROOTLESS;
	snprintf(item->advice, sizeof(item->advice),
		 "engine and spawner are one user, so whoever breaks the engine reaches all programs, but "
		 "never "
		 "more than this user; more of the kernel can be reached than from slots made by root");
}

/* One id for all. */
static void report_one_uid(struct probe *p, uint32_t uid)
{
	struct probe_item *item;
	char what[120];

	snprintf(what, sizeof(what), "uid %u for all programs and for the worker itself", uid);
	item = probe_add(p, "uids", PROBE_MISSING, what);
	item->weakness = SANDBOX_WEAK_UIDS;
	snprintf(item->advice, sizeof(item->advice),
		 "they share what the kernel counts for each user, and the groups of that user; install "
		 "uidmap, "
		 "and give the user %u ids or more in /etc/subuid and /etc/subgid (usermod --add-subuids, "
		 "--add-subgids), or accept it with allow-weak=uids",
		 2 * INSTANCE_UIDS);
}

static void check_uids(struct probe *p, uint32_t wanted, enum sandbox_ids ids)
{
	struct instance_uids uids;
	char what[160];
	struct err e;

	if (ids == SANDBOX_IDS_ONE) {
		report_one_uid(p, getuid());
		return;
	}
	if (instance_uids_read(wanted, ids, &uids, &e) < 0) {
		probe_need(p, "uids", false, e.msg,
			   "each slot has uids of its own: map at least 8192 ids into the container");
		return;
	}
	snprintf(what, sizeof(what), "%u to %u, for %u workers of this host%s", uids.base,
		 uids.base + uids.blocks * INSTANCE_UIDS - 1, uids.blocks,
		 uids.base == wanted || ids != SANDBOX_IDS_ROOT
			 ? ""
			 : " (the configured base is not mapped in this user namespace)");
	probe_need(p, "uids", true, what, "");
}

static void check_core_pattern(struct probe *p)
{
	char pattern[128];
	struct probe_item *item;

	probe_read("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern));
	if (pattern[0] == '@') {
		item = probe_add(p, "core_pattern", PROBE_MISSING, "core dumps go to a socket of the host");
		item->weakness = SANDBOX_WEAK_CORE;
		snprintf(
			item->advice, sizeof(item->advice),
			"a crashing program could reach a service of the host; set kernel.core_pattern=core, "
			"or accept it with allow-weak=core");
		return;
	}
	(void)probe_add(p, "core_pattern", PROBE_OK,
			pattern[0] == '|'
				? "pipes to a host program; slots set the core limit that keeps it out"
				: "no pipe to a host program");
}

static void missing_rootfs(struct probe *p, const char *rootfs, const char *problem)
{
	char what[200];

	snprintf(what, sizeof(what), "%.120s %s", rootfs, problem);
	probe_need(p, "rootfs", false, what,
		   "point ROOTFS to an unpacked root file system that only root can write, with /usr/bin");
}

/* An ordinary user's spawner sees everybody of outside as the overflow id, root too. */
static bool is_trusted(uid_t owner, enum sandbox_ids ids)
{
	const uid_t overflow = 65534;

	return owner == 0 || (ids != SANDBOX_IDS_ROOT && (owner == getuid() || owner == overflow));
}

static void check_rootfs(struct probe *p, const char *rootfs, enum sandbox_ids ids)
{
	char path[300];
	struct stat st;
	struct probe_item *item;

	if (strcmp(rootfs, "host") == 0) {
		item = probe_add(p, "rootfs", PROBE_WEAK, "host: programs see the host's /usr, read-only");
		snprintf(item->advice, sizeof(item->advice),
			 "it shares the page cache with the host, and shows what is installed here; for "
			 "strangers' programs set ROOTFS to a directory of its own");
		return;
	}
	snprintf(path, sizeof(path), "%s/usr/bin", rootfs);
	if (rootfs[0] != '/' || stat(rootfs, &st) < 0 || !S_ISDIR(st.st_mode))
		missing_rootfs(p, rootfs, "is no directory");
	else if (!is_trusted(st.st_uid, ids) || (st.st_mode & (S_IWGRP | S_IWOTH)))
		missing_rootfs(p, rootfs, "can be written by others than root");
	else if (access(path, F_OK) < 0)
		missing_rootfs(p, rootfs, "has no /usr/bin");
	else
		probe_need(p, "rootfs", true, rootfs, "");
}

/* Settings of the host that slots do not depend on, because their filter forbids the calls as well. */
static void check_sysctl(struct probe *p, const char *name, const char *path, const char *safe_from,
			 const char *setting)
{
	char value[32], what[200];
	struct probe_item *item;

	probe_read(path, value, sizeof(value));
	if (!value[0])
		return;
	snprintf(what, sizeof(what), "%.60s = %s (slots cannot use it in any case)", setting, value);
	item = probe_add(p, name, PROBE_OK, what);
	if (strcmp(value, safe_from) < 0)
		snprintf(item->advice, sizeof(item->advice), "a second lock: sysctl -w %s=%s", setting,
			 safe_from);
}

void probe_host(struct probe *p, const struct sandbox_config *config)
{
	enum sandbox_ids ids = config ? (enum sandbox_ids)config->ids : SANDBOX_IDS_ROOT;

	check_rootless(p, ids);
	check_uids(p, config ? config->uid_base : DEFAULT_UID_BASE, ids);
	check_core_pattern(p);
	check_rootfs(p, config ? config->rootfs : "host", ids);
	check_sysctl(p, "unprivileged_bpf", "/proc/sys/kernel/unprivileged_bpf_disabled", "1",
		     "kernel.unprivileged_bpf_disabled");
	check_sysctl(p, "io_uring", "/proc/sys/kernel/io_uring_disabled", "2", "kernel.io_uring_disabled");
}
