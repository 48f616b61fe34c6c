/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "executor/docker_internal.h"

#define PAGE	      4096
#define INODES_MIN    1024
#define INODES_MAX    262144
#define CPU_PERIOD_US 100000

/* Ids that a remapped daemon (userns-remap: 65536 of them) has as well. */
#define JOB_UIDS 60000
#define BOX_UIDS 62500
#define UIDS	 2500

uint32_t docker_job_uid(unsigned number)
{
	return JOB_UIDS + number % UIDS;
}

uint32_t docker_box_uid(unsigned number)
{
	return BOX_UIDS + number % UIDS;
}

/* As in a native slot: one inode for each page, within bounds. */
static int64_t inodes_for(int64_t bytes)
{
	int64_t n = bytes / PAGE;

	if (n < INODES_MIN)
		return INODES_MIN;
	return n > INODES_MAX ? INODES_MAX : n;
}

static json_t *tmpfs(const struct docker_kind *k, const char *more)
{
	return json_sprintf("rw,nosuid,nodev,size=%" PRId64 ",nr_inodes=%" PRId64 ",%s", k->disk_bytes,
			    inodes_for(k->disk_bytes), more);
}

static json_t *mounts_in_memory(const struct docker_kind *k, unsigned number)
{
	char box[96];

	snprintf(box, sizeof(box), "exec,mode=0755,uid=%u,gid=%u", docker_job_uid(number),
		 docker_job_uid(number));
	return json_pack("{s:o, s:o, s:o}", "/box", tmpfs(k, box), "/tmp", tmpfs(k, "exec,mode=1777"),
			 "/dev/shm", tmpfs(k, "exec,mode=1777"));
}

/* What the Engine masks by itself, and the parts of /sys that describe the machine: a slot has no /sys. */
static json_t *masked_paths(void)
{
	static const char *const paths[] = {
		"/proc/acpi",
		"/proc/asound",
		"/proc/interrupts",
		"/proc/kcore",
		"/proc/keys",
		"/proc/key-users",
		"/proc/latency_stats",
		"/proc/sched_debug",
		"/proc/scsi",
		"/proc/timer_list",
		"/proc/timer_stats",
		"/sys/block",
		"/sys/bus",
		"/sys/class",
		"/sys/dev",
		"/sys/devices",
		"/sys/firmware",
		"/sys/hypervisor",
		"/sys/kernel",
		"/sys/module",
		"/sys/power",
	};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		json_array_append_new(list, json_string(paths[i]));
	return list;
}

/* A path is a file of the Engine's host; anything else is the name of a volume that has it. */
static json_t *box_mount(const char *box)
{
	bool file = box[0] == '/';

	return json_pack("{s:s, s:s, s:s, s:b}", "Type", file ? "bind" : "volume", "Source", box, "Target",
			 file ? BOX_DIR "/" BOX_NAME : BOX_DIR, "ReadOnly", 1);
}

static json_t *ulimit(const char *name, int value)
{
	return json_pack("{s:s, s:i, s:i}", "Name", name, "Soft", value, "Hard", value);
}

/*
 * The box needs its four capabilities to become two users, and to give them up; what it runs has none. Memory
 * and swap together are as much as memory: there is no swap. A limit of 1 for core files is the one that
 * keeps the kernel from starting a core_pattern pipe on the host (core(5)).
 */
static json_t *host_config(const struct docker *d, const struct docker_kind *k, unsigned number)
{
	json_t *host =
		json_pack("{s:s, s:[s], s:[s,s,s,s], s:[s], s:b, s:o, s:I, s:I, s:I, s:s, s:s, s:{s:s}, s:b, "
			  "s:[o], s:[o,o], s:o}",
			  "NetworkMode", "none", "CapDrop", "ALL", "CapAdd", "SETUID", "SETGID", "SETPCAP",
			  "KILL", "SecurityOpt", "no-new-privileges=true", "ReadonlyRootfs", 1, "Tmpfs",
			  mounts_in_memory(k, number), "PidsLimit", (json_int_t)k->processes, "Memory",
			  (json_int_t)k->memory_bytes, "MemorySwap", (json_int_t)k->memory_bytes, "IpcMode",
			  "none", "CgroupnsMode", "private", "LogConfig", "Type", "none", "AutoRemove", 1,
			  "Mounts", box_mount(d->options.box), "Ulimits", ulimit("core", 1),
			  ulimit("nofile", 1024), "MaskedPaths", masked_paths());

	if (!host)
		return NULL;
	if (d->options.runtime[0])
		json_object_set_new(host, "Runtime", json_string(d->options.runtime));
	if (d->options.millicpus > 0) {
		json_object_set_new(host, "CpuPeriod", json_integer(CPU_PERIOD_US));
		json_object_set_new(host, "CpuQuota",
				    json_integer(d->options.millicpus * CPU_PERIOD_US / 1000));
	}
	return host;
}

/* No NetworkDisabled: that leaves /etc/hosts empty, and "localhost" unknown. The network mode gives it
 * nothing but its own loopback interface. */
char *docker_create_body(const struct docker *d, const struct docker_kind *kind, unsigned number)
{
	json_t *host = host_config(d, kind, number);
	json_t *body = json_pack("{s:s, s:[s], s:[], s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:{s:s}, s:s, s:o}",
				 "Image", kind->image, "Entrypoint", BOX_DIR "/" BOX_NAME, "Cmd", "User",
				 "0:0", "WorkingDir", "/", "AttachStdin", 1, "AttachStdout", 1,
				 "AttachStderr", 1, "OpenStdin", 1, "StdinOnce", 1, "Labels", DOCKER_LABEL,
				 d->owner, "Hostname", "box", "HostConfig", host);
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	return text;
}
