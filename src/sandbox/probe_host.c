/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/instance.h"
#include "sandbox/probe_items.h"

#define DEFAULT_UID_BASE 0x70000000u

static void check_uids(struct probe *p, uint32_t wanted)
{
	struct instance_uids uids;
	char what[160];
	struct err e;

	if (instance_uids_read(wanted, &uids, &e) < 0) {
		probe_need(p, "uids", false, e.msg,
			   "each slot has uids of its own: map at least 8192 ids into the container");
		return;
	}
	snprintf(what, sizeof(what), "%u to %u, for %u workers of this host%s", uids.base,
		 uids.base + uids.blocks * INSTANCE_UIDS - 1, uids.blocks,
		 uids.base == wanted ? "" : " (the configured base is not mapped in this user namespace)");
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

static void check_rootfs(struct probe *p, const char *rootfs)
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
	else if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
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
	check_uids(p, config ? config->uid_base : DEFAULT_UID_BASE);
	check_core_pattern(p);
	check_rootfs(p, config ? config->rootfs : "host");
	check_sysctl(p, "unprivileged_bpf", "/proc/sys/kernel/unprivileged_bpf_disabled", "1",
		     "kernel.unprivileged_bpf_disabled");
	check_sysctl(p, "io_uring", "/proc/sys/kernel/io_uring_disabled", "2", "kernel.io_uring_disabled");
}
