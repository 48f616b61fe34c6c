/* SPDX-License-Identifier: MIT
 * title: look around
 * executors: native
 * tries: find out about the host: its name, groups, network, devices and processes, what was left open
 * result: hostname codecrusher
 * result: cgroup-path /
 * result: interfaces lo
 * result: groups 0
 * result: session its-own
 * result: no_new_privs 1
 * result: capabilities 0
 * result: bounding-set 0
 * result: descriptors 3
 * result: devices 10
 * result: tty ENOENT
 * result: foreign-processes 0
 * result: init-kill EPERM
 * result: init-root EACCES|EPERM|ENOENT
 * result: read-output-back EACCES
 */
#include "attack_c.h"
#include <ctype.h>
#include <dirent.h>

static void hostname(void)
{
	char name[256] = "";

	gethostname(name, sizeof(name) - 1);
	say("hostname", name);
}

/* The longest path in it. */
static void cgroup_path(void)
{
	FILE *f = fopen("/proc/self/cgroup", "r");
	char line[4096], longest[4096] = "";

	while (f && fgets(line, sizeof(line), f)) {
		char *path = strchr(strchr(line, ':') + 1, ':') + 1;

		path[strcspn(path, "\n")] = '\0';
		if (strlen(path) > strlen(longest))
			strcpy(longest, path);
	}
	longest[100] = '\0';
	say("cgroup-path", longest);
}

static void interfaces(void)
{
	FILE *f = fopen("/proc/net/dev", "r");
	char line[512], all[200] = "";

	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':'), *name = line + strspn(line, " ");

		if (!colon || strlen(all) > 100)
			continue;
		*colon = '\0';
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", *all ? "," : "", name);
	}
	say("interfaces", all);
}

static long status_number(const char *key)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)) == 0)
			return strtol(line + strlen(key), NULL, 16);
	}
	return -1;
}

static long entries(const char *path, int (*counts)(const char *name))
{
	DIR *d = opendir(path);
	struct dirent *e;
	long n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.' && (!counts || counts(e->d_name));
	if (d)
		closedir(d);
	return n;
}

static int is_foreign(const char *name)
{
	return isdigit((unsigned char)name[0]) && atoi(name) != getpid();
}

int main(void)
{
	int fds = 0;

	for (int fd = 0; fd < 65536; fd++)
		fds += fcntl(fd, F_GETFD) >= 0;
	count("descriptors", fds);
	hostname();
	cgroup_path();
	interfaces();
	count("groups", getgroups(0, NULL));
	say("session", getsid(0) == getpid() ? "its-own" : "another");
	count("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	count("capabilities", status_number("CapEff:"));
	count("bounding-set", status_number("CapBnd:"));
	count("devices", entries("/dev", NULL));
	TRY("tty", open("/dev/tty", O_RDWR | O_PATH));
	count("foreign-processes", entries("/proc", is_foreign));
	TRY("init-kill", kill(1, 0));
	TRY("init-root", open("/proc/1/root/", O_RDONLY));
	TRY("read-output-back", open("/proc/self/fd/1", O_RDONLY));
	return 0;
}
