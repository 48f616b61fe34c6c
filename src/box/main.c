/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <linux/filter.h>

#include "box/box.h"
#include "sandbox/inside.h"
#include "sandbox/seccomp_filter.h"
#include "sandbox/spec.h"
#include "sandbox/spec_format.h"

struct setting_up {
	struct meter meter;
	struct sock_fprog job_filter, box_filter;
	int signals;
	int box;
};

/* Blocked, so that a reader that left is an error of write and no SIGPIPE. */
static int take_signals(void)
{
	sigset_t all, child;

	sigfillset(&all);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return -1;
	return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* All that can be done before there is an order. */
static void set_up(struct setting_up *s)
{
	const struct box_ready ready = { .magic = BOX_MAGIC,
					 .version = BOX_VERSION,
					 .build = CODECRUSHER_VERSION };
	struct err e;

	/* Before anybody else is here: the program must not read our memory, where the nonce will be, nor
	 * open our stdout through /proc. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		out_broken("prctl", errno);
	s->signals = take_signals();
	s->box = open("/box", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->signals < 0 || s->box < 0)
		out_broken("open /box", errno);
	if (meter_open(&s->meter, &e) < 0 || seccomp_job_program(&s->job_filter, &e) < 0 ||
	    seccomp_init_program(&s->box_filter, &e) < 0)
		out_broken(e.msg, 0);
	out_frame(BOX_READY, &ready, sizeof(ready));
	out_all();
}

static void read_exactly(void *to, size_t len)
{
	char *at = to;

	while (len > 0) {
		ssize_t n = read(STDIN_FILENO, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0); /* dropped without a run, or the engine is gone */
		at += n;
		len -= (size_t)n;
	}
}

static int read_memfd(uint64_t len)
{
	static char chunk[BOX_FRAME_MAX];
	int fd = spec_create();

	if (fd < 0)
		out_broken("memfd_create", errno);
	while (len > 0) {
		size_t n = len < sizeof(chunk) ? (size_t)len : sizeof(chunk);

		read_exactly(chunk, n);
		if (spec_write_all(fd, chunk, n) < 0)
			out_broken("hold the order", errno);
		len -= n;
	}
	if (spec_seal(fd) < 0)
		out_broken("seal the order", errno);
	return fd;
}

static void receive(struct order *o)
{
	const struct box_order *h = &o->head;

	read_exactly(&o->head, sizeof(o->head));
	if (h->magic != BOX_MAGIC || h->spec_len > BOX_PAYLOAD_MAX || h->artifacts_len > BOX_PAYLOAD_MAX ||
	    h->stdin_len > BOX_PAYLOAD_MAX || h->job_uid == 0 || h->box_uid == 0 || h->job_uid == h->box_uid)
		out_broken("the order makes no sense", 0);
	o->spec = read_memfd(h->spec_len);
	o->artifacts = h->artifacts_len > 0 ? read_memfd(h->artifacts_len) : -1;
	o->input = read_memfd(h->stdin_len);
}

int main(void)
{
	static struct setting_up s;
	static struct order order;
	struct program program;
	struct err e;

	if (getpid() != 1) {
		(void)!write(STDERR_FILENO, "codecrusher-box is process 1 of a container, or nothing\n", 56);
		return 2;
	}
	out_begin();
	set_up(&s);
	receive(&order);
	meter_begin(&s.meter);
	if (program_fork(&program, &order, &s.job_filter) < 0)
		out_broken("fork", errno);
	if (restrict_guard(order.head.box_uid, order.head.job_uid, &s.box_filter, &e) < 0)
		out_broken(e.msg, 0);
	watch(&program, &order, &s.meter, s.signals, s.box);
}
