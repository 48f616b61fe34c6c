/* SPDX-License-Identifier: MIT */
#include "busy.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* From the first line of /proc/stat (proc(5)). */
static double machine_busy_ms(void)
{
	unsigned long long user, nice, kernel, idle, iowait, irq, softirq, steal;
	FILE *f = fopen("/proc/stat", "r");

	if (!f || fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &kernel, &idle,
			 &iowait, &irq, &softirq, &steal) != 8)
		err(1, "read /proc/stat");
	fclose(f);
	return (double)(user + nice + kernel + irq + softirq) * 1000 / (double)sysconf(_SC_CLK_TCK);
}

static double own_busy_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

double busy_ms(void)
{
	return machine_busy_ms() - own_busy_ms();
}

static long pss_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "Pss:", 4) == 0)
			kib = strtol(line + 4, NULL, 10);
	}
	if (f)
		fclose(f);
	return kib;
}

long tree_pss_kib(pid_t pid)
{
	long kib = pss_kib(pid);
	char path[64];
	FILE *f;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "r");
	while (f && fscanf(f, "%d", &child) == 1)
		kib += tree_pss_kib(child);
	if (f)
		fclose(f);
	return kib;
}
