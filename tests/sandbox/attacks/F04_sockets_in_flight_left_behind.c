/* SPDX-License-Identifier: MIT
 * title: a socket that only a message holds
 * tries: leave a listening abstract socket alive in a cycle of messages when everything of it is dead,
 *   for the next job to
 *   connect to
 * job: plant x3
 * result: bound 0
 * result: in-flight 0
 * job: look x6
 * result: bound 0
 * result: connect ECONNREFUSED
 */
#include "attack_c.h"
#include <stddef.h>
#include <sys/un.h>
int main(int n, char **v)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0left-in-flight" };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 15;
	int s = socket(AF_UNIX, SOCK_STREAM, 0), p[2];

	if (n > 1 && strcmp(v[1], "look") == 0) {
		TRY("connect", connect(s, (void *)&name, len));
		s = socket(AF_UNIX, SOCK_STREAM, 0);
	}
	TRY("bound", bind(s, (void *)&name, len));
	if (n > 1 && strcmp(v[1], "plant") == 0) {
		union {
			char space[CMSG_SPACE(3 * sizeof(int))];
			struct cmsghdr align;
		} control = { { 0 } };
		char byte = 0;
		struct iovec one = { &byte, 1 };
		struct msghdr m = { .msg_iov = &one,
				    .msg_iovlen = 1,
				    .msg_control = &control,
				    .msg_controllen = sizeof(control) };
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		listen(s, 5);
		socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(3 * sizeof(int));
		memcpy(CMSG_DATA(c), (int[]){ s, p[0], p[1] }, 3 * sizeof(int));
		TRY("in-flight", sendmsg(p[0], &m, 0));
	}
	return 0;
}
