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

static void try_as(int fd, uint32_t magic)
{
	if (spec_view_load(&view, fd, magic) == 0)
		walk();
	spec_view_done(&view);
}

/* What no mutation would guess, so that the rest of the head is reached. */
static void correct_head(int fd, uint32_t magic, uint64_t size)
{
	struct spec_head head;

	if (size < sizeof(head) || pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return;
	head.magic = magic;
	head.version = SPEC_FORMAT_VERSION;
	head.size = size;
	if (pwrite(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = spec_create();
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	try_as(fd, SPEC_MAGIC);
	try_as(fd, SPEC_SET_MAGIC);
	correct_head(fd, SPEC_MAGIC, size);
	try_as(fd, SPEC_MAGIC);
	correct_head(fd, SPEC_SET_MAGIC, size);
	try_as(fd, SPEC_SET_MAGIC);
	return 0;
}
