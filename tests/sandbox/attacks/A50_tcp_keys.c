/* SPDX-License-Identifier: MIT
 * title: signature keys of TCP
 * tries: give each socket a thousand keys, which no cgroup counts
 * result: MD5SIG MD5SIG-dirty MD5SIG_EXT AO_ADD_KEY ENOPROTOOPT
 */
#include "attack_c.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
int main(void)
{
	struct tcp_md5sig key = { .tcpm_keylen = 80 };
	struct sockaddr_in *peer = (void *)&key.tcpm_addr;
	int s = socket(AF_INET, SOCK_STREAM, 0);

	peer->sin_family = AF_INET;
	peer->sin_addr.s_addr = htonl(0x0a000001);
	CALL("MD5SIG", SYS_setsockopt, s, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key));
	CALL("MD5SIG-dirty", SYS_setsockopt, s, 0x100000000ul | IPPROTO_TCP, 0x100000000ul | TCP_MD5SIG, &key,
	     sizeof(key));
	CALL("MD5SIG_EXT", SYS_setsockopt, s, IPPROTO_TCP, TCP_MD5SIG_EXT, &key, sizeof(key));
	CALL("AO_ADD_KEY", SYS_setsockopt, s, IPPROTO_TCP, 38, &key, sizeof(key));
	return 0;
}
