/* SPDX-License-Identifier: MIT
 * title: sockets inside one job
 * tries: socket pairs, abstract names, passing of descriptors and credentials, IPv4 and IPv6 on loopback
 * result: * 0
 * result[docker]: bind6 listen6 connect6 0|EADDRNOTAVAIL|EINVAL|ECONNREFUSED
 */
#include "attack_c.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>
int main(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0inside" };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 7;
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), p[2], s6 = socket(AF_INET6, SOCK_STREAM, 0), one = 1;
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	char byte = 'x';
	struct iovec v = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	TRY("bind", bind(l, (void *)&name, len));
	TRY("listen", listen(l, 5));
	TRY("connect", connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, len));
	TRY("socketpair", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &l, sizeof(int));
	TRY("send-descriptor", sendmsg(p[0], &m, 0));
	TRY("receive-descriptor", recvmsg(p[1], &m, 0));
	TRY("SO_PASSCRED", setsockopt(p[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	TRY("bind6", bind(s6, (void *)&six, sizeof(six)));
	TRY("listen6", listen(s6, 5));
	len = sizeof(six);
	getsockname(s6, (void *)&six, &len);
	TRY("connect6", connect(socket(AF_INET6, SOCK_STREAM, 0), (void *)&six, len));
	return 0;
}
