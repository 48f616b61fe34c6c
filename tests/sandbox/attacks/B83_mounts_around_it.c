/* SPDX-License-Identifier: MIT
 * title: what is mounted around it
 * executors: native
 * tries: find a place of the system that can be written, and a mount that honours set-uid programs or
 *   devices
 * result: write-* EROFS
 * result: setuid-mounts 0
 * result: device-mounts 0
 */
#include "attack_c.h"

/* The five device nodes are mounts of single files, and the only ones where devices count. */
static int is_node(const char *place)
{
	return strncmp(place, "/dev/", 5) == 0 && strcmp(place, "/dev/shm") != 0;
}

int main(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[4096], place[2048], options[512];
	int setuid = 0, device = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %*s %*s %*s %2047s %511s", place, options) != 2)
			continue;
		/* A mask of /proc/<file> is one of the nodes. */
		setuid += !strstr(options, "nosuid");
		device += !strstr(options, "nodev") && !is_node(place) && strncmp(place, "/proc/", 6) != 0;
	}
	count("setuid-mounts", setuid);
	count("device-mounts", device);
	TRY("write-root", mkdir("/new", 0700));
	TRY("write-usr", mkdir("/usr/new", 0700));
	TRY("write-etc", open("/etc/new", O_CREAT | O_WRONLY, 0600));
	TRY("write-dev", open("/dev/new", O_CREAT | O_WRONLY, 0600));
	TRY("write-usr-bin", rename("/usr/bin", "/usr/nib"));
	return 0;
}
