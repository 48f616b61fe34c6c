/* SPDX-License-Identifier: MIT
 * title: crashes
 * tries: end by every kind of fault, of which a host's core handler would be told
 * flags: -O0
 * result: division SIGFPE
 * result: abort SIGABRT
 * result: illegal SIGILL
 * result: null SIGSEGV
 * result: breakpoint SIGTRAP
 * result: beyond-file SIGBUS
 * result: core-files 0
 */
#include "attack_c.h"
#include <dirent.h>
static void division(const char *name)
{
	volatile int zero = 0, one = 1;

	count(name, one / zero);
}
static void attack_abort(const char *name)
{
	(void)name;
	abort();
}
static void illegal(const char *name)
{
	(void)name;
	__builtin_trap();
}
static void null(const char *name)
{
	(void)name;
	*(volatile int *)8 = 1;
}
static void breakpoint(const char *name)
{
	(void)name;
	raise(SIGTRAP);
}
static void beyond_file(const char *name)
{
	char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, open("empty", O_RDWR | O_CREAT, 0600), 0);

	count(name, *(volatile char *)p);
}
int main(void)
{
	struct rlimit core = { RLIM_INFINITY, RLIM_INFINITY };
	struct dirent *entry;
	DIR *d;
	int cores = 0;

	setrlimit(RLIMIT_CORE, &core);
	in_child("division", division);
	in_child("abort", attack_abort);
	in_child("illegal", illegal);
	in_child("null", null);
	in_child("breakpoint", breakpoint);
	in_child("beyond-file", beyond_file);
	d = opendir(".");
	while (d && (entry = readdir(d)))
		cores += strncmp(entry->d_name, "core", 4) == 0;
	count("core-files", cores);
	return 0;
}
