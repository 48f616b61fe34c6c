/* SPDX-License-Identifier: MIT */
#include "sandbox/config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/spawner.h"

static bool is_text(const char *text, size_t size)
{
	return text[0] != '\0' && memchr(text, '\0', size) != NULL;
}

static int check_texts(const struct sandbox_config *c, struct err *e)
{
	if (!is_text(c->rootfs, sizeof(c->rootfs)) || (strcmp(c->rootfs, "host") != 0 && c->rootfs[0] != '/'))
		return err_set(e, ERR_INVALID, 0, "rootfs must be \"host\" or an absolute directory");
	if (!memchr(c->headers, '\0', sizeof(c->headers)) || (c->headers[0] && c->headers[0] != '/'))
		return err_set(e, ERR_INVALID, 0, "the directory of headers must be an absolute path");
	if (!is_text(c->run_dir, sizeof(c->run_dir)) || c->run_dir[0] != '/')
		return err_set(e, ERR_INVALID, 0, "the run directory must be an absolute path");
	if (!is_text(c->cgroup_parent, sizeof(c->cgroup_parent)) || strchr(c->cgroup_parent, '/') ||
	    c->cgroup_parent[0] == '.')
		return err_set(e, ERR_INVALID, 0, "the control group parent must be a plain name");
	return 0;
}

static bool limits_are_positive(const struct sandbox_limits *l)
{
	return l->cpu_ms > 0 && l->wall_ms > 0 && l->memory_bytes > 0 && l->processes > 0 &&
	       l->file_bytes > 0 && l->disk_bytes > 0;
}

/* Milliseconds become nanoseconds, and a process count one more. */
static bool limits_are_sane(const struct sandbox_limits *l)
{
	const int64_t year_ms = INT64_C(366) * 24 * 3600 * 1000;

	return l->cpu_ms <= year_ms && l->wall_ms <= year_ms && l->processes < (1 << 22);
}

/* Exactly as many strings as are counted. */
static bool is_list(const char *text, size_t len, size_t count)
{
	size_t found = 0;

	for (size_t i = 0; i < len; i++)
		found += text[i] == '\0';
	return found == count && count > 0 && text[len - 1] == '\0';
}

static bool is_warm(const struct sandbox_warm *w)
{
	return is_text(w->source, sizeof(w->source)) && !strchr(w->source, '/') && w->source[0] != '.' &&
	       w->keep <= w->slots && w->n_argv > 0 && w->n_argv < sizeof(w->text) &&
	       w->n_env < sizeof(w->text) && w->text_len <= sizeof(w->text) &&
	       is_list(w->text, w->text_len, (size_t)w->n_argv + w->n_env);
}

static int check_warm(const struct sandbox_config *c, struct err *e)
{
	uint64_t positions = sandbox_plain_positions(c->slots);

	if (c->n_warm > SANDBOX_MAX_WARM)
		return err_set(e, ERR_INVALID, 0, "more than %d warm interpreters", SANDBOX_MAX_WARM);
	for (uint32_t i = 0; i < c->n_warm; i++) {
		positions += c->warm[i].slots;
		if (!is_warm(&c->warm[i]))
			return err_set(e, ERR_INVALID, 0, "warm interpreter %u: malformed", i + 1);
	}
	if (positions > SANDBOX_MAX_POSITIONS)
		return err_set(e, ERR_INVALID, 0, "more than %u slots of all kinds", SANDBOX_MAX_POSITIONS);
	return 0;
}

static bool limits_are_within(const struct sandbox_limits *l, const struct sandbox_limits *max)
{
	return l->cpu_ms <= max->cpu_ms && l->wall_ms <= max->wall_ms &&
	       l->memory_bytes <= max->memory_bytes && l->processes <= max->processes &&
	       l->file_bytes <= max->file_bytes && l->disk_bytes <= max->disk_bytes;
}

int sandbox_config_check(const struct sandbox_config *c, size_t size, struct err *e)
{
	if (size != sizeof(*c) || c->magic != SANDBOX_CONFIG_MAGIC || c->size != sizeof(*c) ||
	    strncmp(c->version, CODECRUSHER_VERSION, sizeof(c->version)) != 0)
		return err_set(e, ERR_INVALID, 0,
			       "the configuration is from another version than " CODECRUSHER_VERSION
			       ": install both programs from one build");
	if (c->slots < 1 || c->slots > SPAWNER_MAX_SLOTS)
		return err_set(e, ERR_INVALID, 0, "the number of slots must be 1 to %u", SPAWNER_MAX_SLOTS);
	if (!limits_are_positive(&c->maxima) || !limits_are_sane(&c->maxima))
		return err_set(e, ERR_INVALID, 0, "every maximum must be above 0, and times below a year");
	if (!limits_are_positive(&c->usual) || !limits_are_within(&c->usual, &c->maxima))
		return err_set(e, ERR_INVALID, 0,
			       "every usual limit must be above 0 and not above its maximum");
	if (c->slot_millicpus > 0 && c->slot_millicpus < 10)
		return err_set(e, ERR_INVALID, 0, "a slot needs at least 10 thousandths of a CPU");
	if (c->ids > SANDBOX_IDS_ONE)
		return err_set(e, ERR_INVALID, 0, "the kind of ids is unknown");
	if (check_warm(c, e) < 0)
		return -1;
	return check_texts(c, e);
}

int sandbox_config_read(int fd, struct sandbox_config *ret, struct err *e)
{
	ssize_t n = pread(fd, ret, sizeof(*ret), 0);

	if (n < 0)
		return err_set(e, ERR_IO, errno, "read the configuration from descriptor %d", fd);
	return sandbox_config_check(ret, (size_t)n, e);
}
