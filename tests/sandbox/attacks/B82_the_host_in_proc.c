/* SPDX-License-Identifier: MIT
 * title: the host in /proc
 * executors: native
 * tries: read what /proc tells about the host and its kernel, and write the kernel's settings
 * result: read-* nothing
 * result: list-* nothing
 * result: write-* EROFS|EACCES|EPERM|ENOENT
 * result: flags-sys flags-bus flags-fs flags-irq flags-sysrq-trigger read-only
 */
#include "attack_c.h"
#include <dirent.h>
#include <sys/statvfs.h>

static void say_of(const char *what, const char *name, const char *word)
{
	char both[64];

	snprintf(both, sizeof(both), "%s-%s", what, name);
	say(both, word);
}

static void read_it(const char *name)
{
	char path[64], text[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s", name);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	say_of("read", name, fd >= 0 && read(fd, text, sizeof(text)) > 0 ? "something" : "nothing");
	if (fd >= 0)
		close(fd);
}

static void list_it(const char *name)
{
	struct dirent *e = NULL;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%s", name);
	d = opendir(path);
	while (d && (e = readdir(d)) && e->d_name[0] == '.')
		;
	say_of("list", name, e ? "something" : "nothing");
}

static void flags_of(const char *name)
{
	struct statvfs vfs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s", name);
	if (statvfs(path, &vfs) == 0)
		say_of("flags", name, vfs.f_flag & ST_RDONLY ? "read-only" : "writable");
	else
		say_of("flags", name, errno == ENOENT ? "read-only" : "odd");
}

int main(void)
{
	static const char *const files[] = { "interrupts", "kallsyms", "kcore",	     "keys",
					     "key-users",  "kmsg",     "softirqs",   "timer_list",
					     "schedstat",  "cmdline",  "sched_debug" };
	static const char *const dirs[] = { "acpi", "driver", "scsi", "tty" };
	static const char *const settings[] = { "sys", "bus", "fs", "irq", "sysrq-trigger" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		read_it(files[i]);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		list_it(dirs[i]);
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		flags_of(settings[i]);
	TRY("write-core_pattern", open("/proc/sys/kernel/core_pattern", O_WRONLY));
	TRY("write-sysrq", open("/proc/sysrq-trigger", O_WRONLY));
	TRY("write-drop_caches", open("/proc/sys/vm/drop_caches", O_WRONLY));
	return 0;
}
