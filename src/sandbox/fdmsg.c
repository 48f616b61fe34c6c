/* SPDX-License-Identifier: MIT */
#include "sandbox/fdmsg.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As many as the kernel puts into one datagram (SCM_MAX_FD in its include/net/scm.h). */
#define MOST_FDS 253

union control {
	char bytes[CMSG_SPACE(sizeof(int) * FDMSG_MAX_FDS)];
	struct cmsghdr align;
};

union received {
	char bytes[CMSG_SPACE(sizeof(int) * MOST_FDS)];
	struct cmsghdr align;
};

static void (*close_way)(int fd);

void fdmsg_close_with(void (*way)(int fd))
{
	close_way = way;
}

void fdmsg_close(int fd)
{
	if (close_way)
		close_way(fd);
	else
		(void)close(fd);
}

int fdmsg_send(int sock, const void *data, size_t size, const int *fds, size_t n_fds)
{
	union control control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	assert(n_fds <= FDMSG_MAX_FDS);
	if (n_fds > 0) {
		struct cmsghdr *c = &control.align;

		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	do {
		sent = sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fdmsg_close(fds[i]);
}

/* Collects the descriptors of a received message; false when more came than fit. */
static bool take_fds(struct msghdr *msg, int *fds, size_t room, size_t *ret_n)
{
	bool fit = true;
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (n < room) {
				fds[n++] = fd;
			} else {
				fdmsg_close(fd);
				fit = false;
			}
		}
	}
	*ret_n = n;
	return fit;
}

static ssize_t receive(int sock, void *data, size_t size, int *fds, size_t *n_fds, int flags)
{
	union received control;
	struct iovec iov = { .iov_base = data, .iov_len = size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	size_t room = *n_fds;
	ssize_t len;

	*n_fds = 0;
	do {
		len = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return -1;
	if (!take_fds(&msg, fds, room, n_fds) || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		close_all(fds, *n_fds);
		*n_fds = 0;
		errno = EPROTO;
		return -1;
	}
	return len;
}

ssize_t fdmsg_receive(int sock, void *data, size_t size, int *fds, size_t *n_fds)
{
	return receive(sock, data, size, fds, n_fds, MSG_DONTWAIT);
}

ssize_t fdmsg_wait(int sock, void *data, size_t size, int *fds, size_t *n_fds)
{
	return receive(sock, data, size, fds, n_fds, 0);
}
