/* SPDX-License-Identifier: MIT */
#include "cmd/limits_from.h"

struct limits limits_from_conf(const struct conf_limits *c)
{
	return (struct limits){
		.cpu_ms = c->cpu_ms,
		.wall_ms = c->wall_ms,
		.memory_bytes = c->memory_bytes,
		.processes = c->processes,
		.output_bytes = c->output_bytes,
		.file_bytes = c->file_bytes,
		.disk_bytes = c->disk_bytes,
	};
}

struct limits limits_from_lang(const struct lang_limits *l)
{
	return (struct limits){
		.cpu_ms = l->cpu_ms,
		.wall_ms = l->wall_ms,
		.memory_bytes = l->memory_bytes,
		.processes = l->processes,
		.output_bytes = l->output_bytes,
		.file_bytes = l->file_bytes,
		.disk_bytes = l->disk_bytes,
	};
}
