/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "box/box.h"

#define ROOM ((BOX_FRAME_MAX + sizeof(struct box_frame)) * 4)

static char bytes[ROOM];
static size_t from, to; /* what waits is between */

void out_begin(void)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	if (flags < 0 || fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK) < 0)
		_exit(1);
}

bool out_has_room(void)
{
	return ROOM - (to - from) >= BOX_FRAME_MAX + sizeof(struct box_frame);
}

bool out_is_empty(void)
{
	return from == to;
}

void out_frame(enum box_frame_type type, const void *data, size_t len)
{
	struct box_frame frame = { .type = type, .len = (uint32_t)len };

	memmove(bytes, bytes + from, to - from);
	to -= from;
	from = 0;
	memcpy(bytes + to, &frame, sizeof(frame));
	to += sizeof(frame);
	if (len > 0)
		memcpy(bytes + to, data, len);
	to += len;
}

void out_some(void)
{
	while (from < to) {
		ssize_t n = write(STDOUT_FILENO, bytes + from, to - from);

		if (n > 0)
			from += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			return;
		else if (n < 0 && errno != EINTR)
			_exit(1); /* nobody is left to report to */
	}
}

void out_all(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	for (out_some(); from < to; out_some())
		(void)poll(&p, 1, -1);
}

void out_broken(const char *what, int error)
{
	char text[200];

	(void)snprintf(text, sizeof(text), error ? "%s: %s" : "%s", what, strerror(error));
	out_all();
	out_frame(BOX_BROKEN, text, strlen(text));
	out_all();
	_exit(1);
}
