/* SPDX-License-Identifier: MIT */
#include "cmd/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union one_fd {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int control_send(int control, enum control_kind kind, int fd, struct err *e)
{
	struct iovec byte = { .iov_base = (char[]){ (char)kind }, .iov_len = 1 };
	union one_fd anc = { 0 };
	struct msghdr m = { .msg_iov = &byte,
			    .msg_iovlen = 1,
			    .msg_control = anc.space,
			    .msg_controllen = sizeof(anc.space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(control, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		return 0;
	return err_set(e, errno == EAGAIN ? ERR_BUSY : ERR_IO, errno, "handing a descriptor to the engine");
}

int control_receive(int control, enum control_kind *ret_kind, struct err *e)
{
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union one_fd anc = { 0 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = anc.space,
			    .msg_controllen = sizeof(anc.space) };
	ssize_t n = recvmsg(control, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n == 1 ? CMSG_FIRSTHDR(&m) : NULL;
	int fd;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return err_set(e, ERR_BUSY, errno, "no message from the monitor");
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)) || (byte != CONTROL_SPAWNER && byte != CONTROL_KEYS))
		return err_set(e, ERR_IO, n < 0 ? errno : 0, "the line to the monitor is broken");
	*ret_kind = (enum control_kind)byte;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}
