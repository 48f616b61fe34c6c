/* SPDX-License-Identifier: MIT
 * title: events
 * tries: epoll, eventfd, timerfd, signalfd, inotify, pidfd, pselect, POSIX timers, futexes by pthread
 * result: * 0
 */
#include "attack_c.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
int main(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), ev = eventfd(0, 0), ti = timerfd_create(CLOCK_MONOTONIC, 0),
	    in = inotify_init(), si;
	struct epoll_event e = { .events = EPOLLIN };
	struct itimerspec soon = { { 0, 0 }, { 0, 1000000 } };
	sigset_t set;
	timer_t t;
	pid_t pid;

	TRY("epoll", ep);
	TRY("add", epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e));
	eventfd_write(ev, 1);
	TRY("wait", epoll_wait(ep, &e, 1, 1000) == 1 ? 0 : -1);
	TRY("timerfd", timerfd_settime(ti, 0, &soon, NULL));
	TRY("poll", poll(&(struct pollfd){ ti, POLLIN, 0 }, 1, 1000) == 1 ? 0 : -1);
	TRY("inotify", inotify_add_watch(in, "/box", IN_CREATE));
	close(open("new", O_CREAT | O_WRONLY, 0600));
	TRY("notified", poll(&(struct pollfd){ in, POLLIN, 0 }, 1, 1000) == 1 ? 0 : -1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	si = signalfd(-1, &set, 0);
	raise(SIGUSR1);
	TRY("signalfd", poll(&(struct pollfd){ si, POLLIN, 0 }, 1, 1000) == 1 ? 0 : -1);
	TRY("timer_create", timer_create(CLOCK_MONOTONIC, NULL, &t));
	pid = fork();
	if (pid == 0)
		_exit(0);
	TRY("pidfd",
	    poll(&(struct pollfd){ (int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0 }, 1, 5000) == 1 ? 0 : -1);
	TRY("waitid", waitid(P_PID, (id_t)pid, NULL, WEXITED));
	return 0;
}
