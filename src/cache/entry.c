/* SPDX-License-Identifier: MIT */
#include "cache/entry.h"

#include <fcntl.h>
#include <unistd.h>

void cache_entry_done(struct cache_entry *e)
{
	if (e->artifacts_fd >= 0)
		(void)close(e->artifacts_fd);
	bytes_done(&e->out);
	bytes_done(&e->err);
	*e = (struct cache_entry){ .artifacts_fd = -1 };
}

bool cache_entry_copy(struct cache_entry *ret, const struct cache_entry *e)
{
	struct cache_entry copy = *e;
	bool whole = true;

	copy.out = copy.err = (struct bytes){ 0 };
	if (e->artifacts_fd >= 0) {
		copy.artifacts_fd = fcntl(e->artifacts_fd, F_DUPFD_CLOEXEC, 0);
		whole = copy.artifacts_fd >= 0;
	}
	whole = whole && bytes_set(&copy.out, e->out.data, e->out.len) &&
		bytes_set(&copy.err, e->err.data, e->err.len);
	if (!whole)
		cache_entry_done(&copy);
	else
		*ret = copy;
	return whole;
}
