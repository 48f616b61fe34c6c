/* SPDX-License-Identifier: MIT */
#include "sandbox/probe.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/probe_items.h"

static const char *const state_names[] = { "ok", "weak", "missing" };

struct probe_item *probe_add(struct probe *p, const char *name, enum probe_state state, const char *what)
{
	struct probe_item *item = &p->items[p->n];

	assert(p->n < PROBE_MAX);
	p->n++;
	memset(item, 0, sizeof(*item));
	snprintf(item->name, sizeof(item->name), "%s", name);
	snprintf(item->what, sizeof(item->what), "%s", what);
	item->state = state;
	return item;
}

void probe_need(struct probe *p, const char *name, bool ok, const char *what, const char *advice)
{
	struct probe_item *item = probe_add(p, name, ok ? PROBE_OK : PROBE_MISSING, what);

	if (!ok)
		snprintf(item->advice, sizeof(item->advice), "%s", advice);
}

void probe_read(const char *path, char *buf, size_t size)
{
	(void)cgroup_read(AT_FDCWD, path, buf, size);
	buf[strcspn(buf, "\n")] = '\0';
}

void probe_run(const struct sandbox_config *config, struct probe *ret)
{
	uint32_t allowed = config ? config->allow_weak : 0;

	ret->n = 0;
	probe_kernel(ret);
	probe_cgroups(ret, config);
	probe_host(ret, config);
	for (size_t i = 0; i < ret->n; i++) {
		if (ret->items[i].state == PROBE_MISSING && (ret->items[i].weakness & allowed))
			ret->items[i].state = PROBE_WEAK;
	}
}

uint32_t probe_weak(const struct probe *p)
{
	uint32_t weak = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].state != PROBE_OK)
			weak |= p->items[i].weakness;
	}
	return weak;
}

int probe_verdict(const struct probe *p, struct err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].state == PROBE_MISSING)
			return err_set(e, ERR_UNSUPPORTED, 0, "%s: %s; %s", p->items[i].name,
				       p->items[i].what, p->items[i].advice);
	}
	return 0;
}

void probe_print(const struct probe *p)
{
	for (size_t i = 0; i < p->n; i++)
		printf("%s\t%s\t%s\t%s\n", p->items[i].name, state_names[p->items[i].state], p->items[i].what,
		       p->items[i].advice);
}
