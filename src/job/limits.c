/* SPDX-License-Identifier: MIT */
#include "job/job.h"

const struct limit_field limit_fields[] = {
	{ "cpuMs", offsetof(struct limits, cpu_ms) },
	{ "wallMs", offsetof(struct limits, wall_ms) },
	{ "memoryBytes", offsetof(struct limits, memory_bytes) },
	{ "processes", offsetof(struct limits, processes) },
	{ "outputBytes", offsetof(struct limits, output_bytes) },
	{ "fileBytes", offsetof(struct limits, file_bytes) },
	{ "diskBytes", offsetof(struct limits, disk_bytes) },
};
const size_t n_limit_fields = sizeof(limit_fields) / sizeof(limit_fields[0]);

_Static_assert(sizeof(limit_fields) / sizeof(limit_fields[0]) == sizeof(struct limits) / sizeof(int64_t),
	       "every limit has its row");

int64_t *limit_at(struct limits *l, const struct limit_field *f)
{
	return (int64_t *)(void *)((char *)l + f->offset);
}

int64_t limit_value(const struct limits *l, const struct limit_field *f)
{
	return *(const int64_t *)(const void *)((const char *)l + f->offset);
}

void limits_resolve(struct limits *l, const struct limits *defaults)
{
	for (size_t i = 0; i < n_limit_fields; i++) {
		int64_t *value = limit_at(l, &limit_fields[i]);

		if (*value == 0)
			*value = limit_value(defaults, &limit_fields[i]);
	}
}
