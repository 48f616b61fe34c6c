/* SPDX-License-Identifier: MIT
 * title: what /proc is for
 * tries: what runtimes read of themselves and of the machine
 * result: exe cmdline maps status fd limits environ stat statm task meminfo cpuinfo uptime loadavg
 *   version filesystems mounts 0
 * result: self-exe /box/main
 * result: processors more
 */
#include "attack_c.h"
int main(void)
{
	static const char *const mine[] = { "exe",    "cmdline", "maps", "status", "fd",
					    "limits", "environ", "stat", "statm",  "task" };
	static const char *const all[] = { "meminfo", "cpuinfo",     "uptime", "loadavg",
					   "version", "filesystems", "mounts" };
	char path[64], exe[64] = "";

	for (size_t i = 0; i < sizeof(mine) / sizeof(*mine); i++) {
		snprintf(path, sizeof(path), "/proc/self/%s", mine[i]);
		TRY(mine[i], open(path, O_RDONLY));
	}
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		snprintf(path, sizeof(path), "/proc/%s", all[i]);
		TRY(all[i], open(path, O_RDONLY));
	}
	readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	say("self-exe",
	    strcmp(exe, "/box/main") == 0 || strcmp(exe, "/box/program") == 0 ? "/box/main" : exe);
	say("processors", sysconf(_SC_NPROCESSORS_ONLN) > 0 ? "more" : "none");
	return 0;
}
