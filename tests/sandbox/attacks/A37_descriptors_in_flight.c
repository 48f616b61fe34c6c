/* SPDX-License-Identifier: MIT
 * title: descriptors in flight
 * tries: hide open files in messages between sockets that are themselves in messages, beyond the limit
 *   of open files
 * limits: memoryBytes=64M
 * verdict: ok | memory_limit
 * result: sendmsg ETOOMANYREFS|EMFILE|EAGAIN
 */
#include "attack_c.h"
int main(void)
{
	int p[2], r = 0;
	char byte = 0;
	struct iovec one = { &byte, 1 };

	for (int i = 0; i < 100000 && r >= 0; i++) {
		union {
			char space[CMSG_SPACE(8 * sizeof(int))];
			struct cmsghdr align;
		} control = { { 0 } };
		struct msghdr m = { .msg_iov = &one,
				    .msg_iovlen = 1,
				    .msg_control = &control,
				    .msg_controllen = sizeof(control) };
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		int fds[8];

		if (i % 8 == 0) {
			r = socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p);
			if (r < 0)
				break;
		}
		for (int j = 0; j < 8; j++)
			fds[j] = p[j % 2];
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fds));
		memcpy(CMSG_DATA(c), fds, sizeof(fds));
		r = (int)sendmsg(p[0], &m, 0);
		if (i % 8 == 7) {
			close(p[0]);
			close(p[1]);
		}
	}
	report("sendmsg", r);
	return 0;
}
