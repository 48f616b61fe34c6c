/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "box/box.h"
#include "sandbox/cgroup.h"

/* An allocation of several pages may fail a little below the limit. */
#define LIMIT_SLACK ((int64_t)1 << 20)

static int open_file(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* From the start every time: that is what makes the kernel write the file anew. */
static bool read_text(int fd, char *text, size_t size)
{
	ssize_t n = fd < 0 ? -1 : pread(fd, text, size - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

static int64_t read_number(int fd)
{
	char text[32];

	return read_text(fd, text, sizeof(text)) ? strtoll(text, NULL, 10) : -1;
}

static int64_t read_key(int fd, const char *key)
{
	char text[2048];

	return read_text(fd, text, sizeof(text)) ? cgroup_value(text, key) : -1;
}

static bool open_v1(struct meter *m)
{
	m->version = 1;
	m->cpu = open_file("/sys/fs/cgroup/cpuacct/cpuacct.usage");
	if (m->cpu < 0)
		m->cpu = open_file("/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage");
	m->usage = open_file("/sys/fs/cgroup/memory/memory.usage_in_bytes");
	m->peak = open_file("/sys/fs/cgroup/memory/memory.max_usage_in_bytes");
	m->events = open_file("/sys/fs/cgroup/memory/memory.oom_control");
	m->limit = open_file("/sys/fs/cgroup/memory/memory.limit_in_bytes");
	m->failures = open_file("/sys/fs/cgroup/memory/memory.failcnt");
	return m->cpu >= 0 && m->usage >= 0 && m->peak >= 0 && m->events >= 0 && m->limit >= 0;
}

static bool open_v2(struct meter *m)
{
	m->version = 2;
	m->cpu = open_file("/sys/fs/cgroup/cpu.stat");
	m->usage = open_file("/sys/fs/cgroup/memory.current");
	m->peak = open_file("/sys/fs/cgroup/memory.peak");
	m->events = open_file("/sys/fs/cgroup/memory.events");
	return m->cpu >= 0 && m->usage >= 0 && m->peak >= 0 && m->events >= 0;
}

int meter_open(struct meter *m, struct err *e)
{
	*m = (struct meter){ .limit = -1, .failures = -1 };
	if (!open_v2(m) && !open_v1(m))
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "the container does not see its own cgroup in /sys/fs/cgroup, so CPU time and "
			       "memory cannot be measured");
	return 0;
}

static int64_t cgroup_cpu_us(const struct meter *m)
{
	return m->version == 2 ? read_key(m->cpu, "usage_usec") : read_number(m->cpu) / 1000;
}

static int64_t own_cpu_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void meter_begin(struct meter *m)
{
	m->usage_base = read_number(m->usage);
	m->peak_base = read_number(m->peak);
	m->cpu_base_us = cgroup_cpu_us(m) - own_cpu_us();
}

int64_t meter_cpu_us(const struct meter *m)
{
	int64_t used = cgroup_cpu_us(m) - own_cpu_us() - m->cpu_base_us;

	return used > 0 ? used : 0;
}

int64_t meter_peak(const struct meter *m, int64_t rss)
{
	int64_t peak = read_number(m->peak);
	int64_t hidden = m->peak_base - m->usage_base;

	if (peak > m->peak_base)
		return peak - m->usage_base;
	return rss < hidden ? rss : hidden;
}

bool meter_oom(const struct meter *m, bool *ret_own)
{
	bool killed = read_key(m->events, "oom_kill") > 0;

	*ret_own = false;
	if (m->version == 2)
		*ret_own = read_key(m->events, "oom") > 0;
	else if (killed)
		/* Kernels exist where the fail counter stays 0; then the peak says it. */
		*ret_own = read_number(m->failures) > 0 ||
			   read_number(m->peak) + LIMIT_SLACK >= read_number(m->limit);
	return killed;
}
