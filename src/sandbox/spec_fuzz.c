/* SPDX-License-Identifier: MIT */
/* Any bytes as a spec and as a file set: the reader refuses them or walks them within bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/spec_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct spec_view view;

static void walk(void)
{
	uint64_t offset = view.head.meta_len;
	char *s = view.argv;

	for (uint32_t i = view.head.n_argv + view.head.n_env + view.head.n_collect + view.head.n_files; i > 0;
	     i--)
		s = spec_next_string(s);
	if (s != view.meta + view.head.meta_len)
		abort();
	for (uint32_t i = 0; i < view.head.n_files; i++) {
		for (uint64_t left = view.entries[i].len; left > 0;) {
			size_t n;

			if (!spec_data(&view, offset, left, &n) || n == 0 || n > left)
				abort();
			offset += n;
			left -= n;
		}
	}
	if (offset != view.head.size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t magics[] = { SPEC_MAGIC, SPEC_SET_MAGIC };
	static int fd = -1;

	if (fd < 0)
		fd = spec_create();
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		if (spec_view_load(&view, fd, magics[i]) == 0)
			walk();
		spec_view_done(&view);
	}
	return 0;
}
