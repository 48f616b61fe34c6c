/* SPDX-License-Identifier: MIT */
#include "executor/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void stream_init(struct stream *s, int64_t cap)
{
	*s = (struct stream){ .fd = -1, .left = cap < 0 ? 0 : cap };
}

bool stream_open(struct stream *s, int fd)
{
	s->fd = fd;
	/* The flag is of the reading end's own open file: the program's end stays blocking. */
	return fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

void stream_done(struct stream *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}

enum stream_read stream_read(struct stream *s, char *chunk, size_t size, size_t *ret_len)
{
	size_t want = s->left < (int64_t)size ? (size_t)s->left + 1 : size;
	ssize_t n;

	*ret_len = 0;
	if (s->truncated)
		return STREAM_FULL;
	do
		n = read(s->fd, chunk, want);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? STREAM_EMPTY : STREAM_ENDED;
	if (n == 0)
		return STREAM_ENDED;
	if (n > s->left) {
		*ret_len = (size_t)s->left;
		s->left = 0;
		s->truncated = true;
		return STREAM_FULL;
	}
	*ret_len = (size_t)n;
	s->left -= n;
	return STREAM_READ;
}
