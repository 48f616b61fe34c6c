/* SPDX-License-Identifier: MIT
 * title: socket families
 * tries: every family and netlink protocol, also with dirt in the upper half, which some filters overlook
 * result: family-1 family-2 family-10 0
 * result: family-* EAFNOSUPPORT
 * result: netlink-* EAFNOSUPPORT
 * result: pair-1 0
 * result: pair-* EAFNOSUPPORT|EOPNOTSUPP
 */
#include "attack_c.h"
int main(void)
{
	char name[32];
	int p[2];

	for (unsigned long i = 0; i < 50; i++) {
		int type = i == 16 || i == 38 ? (i == 16 ? SOCK_RAW : SOCK_SEQPACKET) : SOCK_DGRAM;

		snprintf(name, sizeof(name), "family-%lu", i);
		CALL(name, SYS_socket, i, type, 0);
		snprintf(name, sizeof(name), "pair-%lu", i);
		CALL(name, SYS_socketpair, i, type, 0, p);
		if (i == 1 || i == 2 || i == 10)
			continue;
		snprintf(name, sizeof(name), "family-%lu-dirty", i);
		CALL(name, SYS_socket, 0x100000000ul | i, type, 0);
	}
	for (unsigned long i = 0; i < 32; i++) {
		snprintf(name, sizeof(name), "netlink-%lu", i);
		CALL(name, SYS_socket, AF_NETLINK, SOCK_RAW, i);
		if (i == 0)
			continue;
		snprintf(name, sizeof(name), "netlink-%lu-dirty", i);
		CALL(name, SYS_socket, AF_NETLINK, SOCK_RAW, 0x100000000ul | i);
	}
	return 0;
}
