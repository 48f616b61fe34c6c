/* SPDX-License-Identifier: MIT */
#include "sandbox/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/fdmsg.h"

/* A page: room for 1024 numbers, which is as many descriptors as may wait. */
#define QUEUE_BYTES 4096

static int numbers = -1, queue = -1; /* the two ends of its pipe */
static bool stuck;

static _Noreturn void closer_main(pid_t spawner, const struct sock_fprog *filter)
{
	int fd;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "cc-closer");
	if (getppid() != spawner || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter, 0, 0) < 0)
		_exit(1);
	while (read(numbers, &fd, sizeof(fd)) == (ssize_t)sizeof(fd))
		(void)close(fd);
	_exit(0);
}

/* Until then the number stays taken, so it never names anything else. */
static void close_beside(int fd)
{
	if (!stuck && write(queue, &fd, sizeof(fd)) != (ssize_t)sizeof(fd))
		stuck = true;
}

static int make_queue(struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[1], F_SETPIPE_SZ, QUEUE_BYTES) < 0 ||
	    fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0)
		return err_set(e, ERR_IO, errno, "make the closer's pipe");
	numbers = ends[0];
	queue = ends[1];
	return 0;
}

int closer_start(const struct sock_fprog *filter, struct err *e)
{
	int pidfd = -1;
	/* The memory is a copy, as fork's; the descriptors are the same ones. */
	struct clone_args args = {
		.flags = CLONE_FILES | CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t spawner = getpid();
	long pid;

	/* What waits in it is for the next one. */
	if (queue < 0 && make_queue(e) < 0)
		return -1;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		closer_main(spawner, filter);
	if (pid < 0)
		return err_set(e, ERR_IO, errno, "start the closer");
	fdmsg_close_with(close_beside);
	return pidfd;
}

bool closer_is_stuck(void)
{
	return stuck;
}

void closer_leave(void)
{
	fdmsg_close_with(NULL);
	numbers = queue = -1;
}
