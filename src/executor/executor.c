/* SPDX-License-Identifier: MIT */
#include "executor/executor.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/spec_format.h"

struct exec_run *executor_start(struct executor *x, const struct exec_spec *spec,
				const struct exec_events *events, void *arg, struct err *e)
{
	return x->ops->start(x, spec, events, arg, e);
}

void executor_cancel(struct exec_run *run)
{
	run->executor->ops->cancel(run);
}

void executor_capacity(struct executor *x, struct exec_capacity *ret)
{
	x->ops->capacity(x, ret);
}

void executor_warm(struct executor *x, unsigned warm, struct exec_warm *ret)
{
	*ret = (struct exec_warm){ 0 };
	if (x->ops->warm)
		x->ops->warm(x, warm, ret);
}

void executor_on_capacity(struct executor *x, exec_capacity_fn *fn, void *arg)
{
	x->capacity_changed = fn;
	x->capacity_arg = arg;
}

void executor_free(struct executor *x)
{
	if (x)
		x->ops->free(x);
}

/* pwrite, because whoever receives the descriptor shares its offset and reads from there. */
static int write_all(int fd, const char *data, size_t len)
{
	off_t at = 0;

	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int executor_memfd(const void *data, size_t len)
{
	AUTO_CLOSE int fd = spec_create();

	if (fd < 0 || write_all(fd, data, len) < 0 || spec_seal(fd) < 0)
		return -1;
	return TAKE_FD(fd);
}
