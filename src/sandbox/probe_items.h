/* SPDX-License-Identifier: MIT */
/* How the parts of the probe add their items; for probe*.c alone. */
#ifndef SANDBOX_PROBE_ITEMS_H
#define SANDBOX_PROBE_ITEMS_H

#include <stdbool.h>

#include "sandbox/cgroup.h"
#include "sandbox/probe.h"

/* What to do when the kernel says EPERM to what a worker needs. */
#define PROBE_ROOT_ADVICE                                                                               \
	"start it as root; in a container, with CAP_SYS_ADMIN and a seccomp and AppArmor profile that " \
	"allow mounts and namespaces; as an ordinary user, with "                                       \
	"kernel.apparmor_restrict_unprivileged_userns=0"

/* Adds an item and returns it, for `what` and `advice` of its own. */
struct probe_item *probe_add(struct probe *p, const char *name, enum probe_state state, const char *what);
/* A needed ability: OK, or MISSING with the advice. */
void probe_need(struct probe *p, const char *name, bool ok, const char *what, const char *advice);

/* First line of a small file, "" when it cannot be read. */
void probe_read(const char *path, char *buf, size_t size);

void probe_cgroups(struct probe *p, const struct sandbox_config *config);
void probe_kernel(struct probe *p);
void probe_calls(struct probe *p);
void probe_host(struct probe *p, const struct sandbox_config *config);

#endif
