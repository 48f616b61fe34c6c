/* SPDX-License-Identifier: MIT */
/* A run's request as it arrives in a slot, in the job process or, of a warm slot, in init. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "sandbox/fdmsg.h"
#include "sandbox/inside.h"
#include "sandbox/wire.h"

#define MAX_FDS	   3
#define SMALL_SPEC 8192

static struct spec_view view;

void request_prepare(void)
{
	memset(&view, 0, offsetof(struct spec_view, first) + SMALL_SPEC);
}

static int refuse_fds(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fdmsg_close(fds[i]);
	errno = EPROTO;
	return -1;
}

/* Takes descriptor number `*used` when the flag says that it came along. False when it did not. */
static bool take_fd(const struct request *r, uint32_t flag, const int *fds, size_t n, size_t *used, int *ret)
{
	*ret = (r->order.flags & flag) && *used < n ? fds[(*used)++] : -1;
	return !(r->order.flags & flag) || *ret >= 0;
}

int request_receive(struct request *r, int sock, bool wait)
{
	int fds[MAX_FDS];
	size_t n = MAX_FDS, used = 1;
	ssize_t len = wait ? fdmsg_wait(sock, &r->order, sizeof(r->order), fds, &n)
			   : fdmsg_receive(sock, &r->order, sizeof(r->order), fds, &n);
	bool whole;

	if (len <= 0)
		return (int)len;
	if (len != (ssize_t)sizeof(r->order) || n == 0)
		return refuse_fds(fds, n);
	r->spec = fds[0];
	whole = take_fd(r, WIRE_RUN_STDIN, fds, n, &used, &r->input) &&
		take_fd(r, WIRE_RUN_ARTIFACTS, fds, n, &used, &r->artifacts);
	return whole && used == n ? 1 : refuse_fds(fds, n);
}

struct spec_view *request_load(int fd, uint32_t magic)
{
	return spec_view_load(&view, fd, magic) < 0 ? NULL : &view;
}
