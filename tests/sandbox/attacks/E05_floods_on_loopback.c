/* SPDX-License-Identifier: MIT
 * title: a flood on its own loopback
 * tries: keep the host's network code busy with packets to itself, unanswered and refused ones
 * limits: cpuMs=800 wallMs=4000
 * verdict: cpu_time_limit | wall_time_limit
 */
#include "attack_c.h"
#include <arpa/inet.h>
#include <netinet/in.h>
int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = 9,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static char packet[60000];

	for (int i = 0; i < 3; i++)
		fork();
	for (;;) {
		int s = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		sendto(s, packet, sizeof(packet), 0, (void *)&a, sizeof(a));
		connect(t, (void *)&a, sizeof(a));
		a.sin_port++;
		close(s);
		close(t);
	}
}
