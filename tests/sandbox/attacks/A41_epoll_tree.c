/* SPDX-License-Identifier: MIT
 * title: event descriptors that watch each other
 * tries: make one wakeup cost the kernel a walk over thousands of others
 * limits: cpuMs=1000
 * verdict: ok | cpu_time_limit
 * result: too-deep ELOOP
 */
#include "attack_c.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
int main(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	int last = eventfd(0, EFD_NONBLOCK), r = 0, many[400];

	for (int i = 0; i < 20 && r == 0; i++) {
		int next = epoll_create1(0);

		r = epoll_ctl(next, EPOLL_CTL_ADD, last, &e);
		last = next;
	}
	report("too-deep", r);
	int center = eventfd(0, EFD_NONBLOCK);
	for (int i = 0; i < 400; i++) {
		many[i] = epoll_create1(0);
		epoll_ctl(many[i], EPOLL_CTL_ADD, center, &e);
		for (int j = 0; j < i; j++)
			epoll_ctl(many[i], EPOLL_CTL_ADD, many[j], &e);
	}
	for (int i = 0; i < 10000; i++)
		eventfd_write(center, 1);
	return 0;
}
