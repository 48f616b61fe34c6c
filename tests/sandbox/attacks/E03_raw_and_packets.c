/* SPDX-License-Identifier: MIT
 * title: raw packets and interfaces
 * tries: raw and packet sockets, another device, tun, addresses and routes by ioctl, forwarding
 * result: raw raw6 raw-255 EPERM|EPROTONOSUPPORT
 * result: packet EAFNOSUPPORT
 * result: SO_BINDTODEVICE 0|EPERM|ENODEV
 * result: SO_MARK SO_RCVBUFFORCE EPERM
 * result: IP_TRANSPARENT EPERM
 * result: SIOCSIFFLAGS SIOCSIFADDR SIOCSIFNAME SIOCADDRT SIOCSARP SIOCSIFHWADDR SIOCBRADDBR
 *   EPERM|ENOPKG|ENOTTY|EINVAL|ENODEV
 * result: multicast4 multicast6 ENODEV
 */
#include "attack_c.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
int main(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), s6 = socket(AF_INET6, SOCK_DGRAM, 0), one = 1 << 20;
	struct ifreq ifr = { .ifr_name = "lo" };
	struct rtentry route = { 0 };
	struct arpreq arp = { 0 };
	struct ip_mreq group = { .imr_multiaddr.s_addr = inet_addr("224.1.2.3"),
				 .imr_interface.s_addr = inet_addr("127.0.0.1") };
	struct ipv6_mreq group6 = { .ipv6mr_interface = 1 };

	TRY("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	TRY("raw6", socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	TRY("raw-255", socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	TRY("packet", socket(AF_PACKET, SOCK_RAW, 0x300));
	TRY("SO_BINDTODEVICE", setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	TRY("SO_MARK", setsockopt(s, SOL_SOCKET, SO_MARK, &one, sizeof(one)));
	TRY("SO_RCVBUFFORCE", setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &one, sizeof(one)));
	TRY("IP_TRANSPARENT", setsockopt(s, IPPROTO_IP, IP_TRANSPARENT, &one, sizeof(one)));
	TRY("SIOCSIFFLAGS", ioctl(s, SIOCSIFFLAGS, &ifr));
	TRY("SIOCSIFADDR", ioctl(s, SIOCSIFADDR, &ifr));
	TRY("SIOCSIFNAME", ioctl(s, SIOCSIFNAME, &ifr));
	TRY("SIOCSIFHWADDR", ioctl(s, SIOCSIFHWADDR, &ifr));
	TRY("SIOCADDRT", ioctl(s, SIOCADDRT, &route));
	TRY("SIOCSARP", ioctl(s, SIOCSARP, &arp));
	TRY("SIOCBRADDBR", ioctl(s, 0x89a0, "br0"));
	TRY("multicast4", setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
	inet_pton(AF_INET6, "ff02::1234", &group6.ipv6mr_multiaddr);
	TRY("multicast6", setsockopt(s6, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group6, sizeof(group6)));
	return 0;
}
