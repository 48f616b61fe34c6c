/* SPDX-License-Identifier: MIT */
#include "sandbox/spec_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int malformed(void)
{
	errno = EBADMSG;
	return -1;
}

static int read_exactly(int fd, char *to, size_t len, uint64_t offset)
{
	while (len > 0) {
		ssize_t n = pread(fd, to, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			return malformed();
		to += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static bool head_is_sane(const struct spec_head *h, uint32_t magic, uint64_t size)
{
	bool is_set = magic == SPEC_SET_MAGIC;

	return h->magic == magic && h->version == SPEC_FORMAT_VERSION && h->size == size &&
	       h->size <= SPEC_SIZE_MAX + SPEC_META_MAX && h->meta_len <= SPEC_META_MAX &&
	       h->meta_len <= h->size && h->n_argv <= SPEC_STRINGS_MAX && h->n_env <= SPEC_STRINGS_MAX &&
	       h->n_collect <= SPEC_STRINGS_MAX && h->n_files <= SPEC_FILES_MAX &&
	       h->meta_len >= sizeof(*h) + h->n_files * sizeof(struct spec_entry) &&
	       (is_set ? h->n_argv + h->n_env + h->n_collect == 0 : h->n_argv > 0);
}

/* The first bytes in one call, the rest of the meta part only when it did not fit. */
static int load_meta(struct spec_view *v, uint32_t magic, uint64_t size)
{
	size_t first = size < SPEC_FIRST ? (size_t)size : SPEC_FIRST;

	if (first < sizeof(v->head))
		return malformed();
	if (read_exactly(v->fd, v->first, first, 0) < 0)
		return -1;
	memcpy(&v->head, v->first, sizeof(v->head));
	if (!head_is_sane(&v->head, magic, size))
		return malformed();
	v->meta = v->first;
	v->loaded = first;
	if (v->head.meta_len <= first)
		return 0;
	v->loaded = (size_t)v->head.meta_len;
	v->meta = malloc(v->loaded);
	if (!v->meta)
		return -1;
	memcpy(v->meta, v->first, first);
	return read_exactly(v->fd, v->meta + first, v->loaded - first, first);
}

/* The place behind `n` strings that begin at `s`, or NULL when they do not end before `end`. */
static char *skip_strings(char *s, const char *end, uint32_t n)
{
	for (; n > 0; n--) {
		char *nul = memchr(s, '\0', (size_t)(end - s));

		if (!nul)
			return NULL;
		s = nul + 1;
	}
	return s;
}

static int find_strings(struct spec_view *v)
{
	const char *end = v->meta + v->head.meta_len;
	char *behind;

	v->argv = v->meta + sizeof(v->head) + v->head.n_files * sizeof(struct spec_entry);
	v->env = skip_strings(v->argv, end, v->head.n_argv);
	v->collect = v->env ? skip_strings(v->env, end, v->head.n_env) : NULL;
	v->names = v->collect ? skip_strings(v->collect, end, v->head.n_collect) : NULL;
	behind = v->names ? skip_strings(v->names, end, v->head.n_files) : NULL;
	return behind == end ? 0 : malformed();
}

static int check_files(const struct spec_view *v)
{
	uint64_t left = v->head.size - v->head.meta_len;
	char *name = v->names;

	for (uint32_t i = 0; i < v->head.n_files; i++) {
		const struct spec_entry *entry = &v->entries[i];

		if (entry->len > left || entry->executable > 1 || !spec_name_is_safe(name))
			return malformed();
		left -= entry->len;
		name = spec_next_string(name);
	}
	return left == 0 ? 0 : malformed();
}

int spec_view_load(struct spec_view *v, int fd, uint32_t magic)
{
	struct stat st;

	v->fd = fd;
	v->meta = v->first;
	if (fstat(fd, &st) < 0)
		return -1;
	if (load_meta(v, magic, (uint64_t)st.st_size) < 0)
		return -1;
	v->entries = (const struct spec_entry *)(const void *)(v->meta + sizeof(v->head));
	if (find_strings(v) < 0)
		return -1;
	return check_files(v);
}

void spec_view_done(struct spec_view *v)
{
	if (v->meta != v->first)
		free(v->meta);
	v->meta = v->first;
}

const char *spec_data(struct spec_view *v, uint64_t offset, uint64_t len, size_t *ret_len)
{
	if (offset < v->loaded) {
		uint64_t here = v->loaded - offset;

		*ret_len = (size_t)(len < here ? len : here);
		return v->meta + offset;
	}
	*ret_len = len < sizeof(v->chunk) ? (size_t)len : sizeof(v->chunk);
	return read_exactly(v->fd, v->chunk, *ret_len, offset) < 0 ? NULL : v->chunk;
}
