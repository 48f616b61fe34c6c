/* SPDX-License-Identifier: MIT */
#include "sandbox/builder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/closer.h"
#include "sandbox/fdmsg.h"
#include "sandbox/lowfds.h"
#include "sandbox/netns.h"

#define NAME_SIZE 24

/* A group may look busy for a moment after its last process was reaped. The spawner asks again later, so that
 * one group that stays busy does not hold up the others. */
#define REMOVE_TRIES 20

static void slot_name(char name[NAME_SIZE], uint64_t serial)
{
	snprintf(name, NAME_SIZE, "s%" PRIu64, serial);
}

static int remove_one(int instance, const char *name)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	for (int tries = 0;; tries++) {
		if (unlinkat(instance, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY || tries == REMOVE_TRIES)
			return errno;
		(void)nanosleep(&pause, NULL);
	}
}

static int remove_slot(const struct cgroup_home *home, uint64_t serial)
{
	char name[NAME_SIZE];
	int first_error = 0;

	slot_name(name, serial);
	for (size_t i = 0; i < home->n_trees; i++) {
		int error = remove_one(home->instance[i], name);

		if (error && !first_error)
			first_error = error;
	}
	return first_error;
}

static int make_slot(const struct cgroup_home *home, uint64_t serial, int *dirs, size_t *ret_n)
{
	char name[NAME_SIZE];

	slot_name(name, serial);
	for (size_t i = 0; i < home->n_trees; i++) {
		int error;

		/* One that exists was made by a predecessor for a request that is now repeated. */
		if (mkdirat(home->instance[i], name, 0755) == 0 || errno == EEXIST)
			dirs[i] = openat(home->instance[i], name,
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		else
			dirs[i] = -1;
		if (dirs[i] >= 0)
			continue;
		error = errno;
		while (i > 0)
			(void)close(dirs[--i]);
		(void)remove_slot(home, serial);
		return error;
	}
	*ret_n = home->n_trees;
	return 0;
}

/* Only a slot whose groups are gone is known to be dead. */
static void remove_and_look(const struct cgroup_home *home, struct netns_audit *audit, int netns,
			    struct builder_message *m)
{
	m->error = remove_slot(home, m->serial);
	m->untouched = !m->error && netns >= 0 && netns_is_untouched(audit, netns);
}

static _Noreturn void builder_main(int sock, const struct cgroup_home *home)
{
	struct netns_audit *audit = netns_audit_new();

	for (;;) {
		struct builder_message m;
		int dirs[CGROUP_MAX_TREES], netns = -1;
		size_t n = 1;

		if (fdmsg_wait(sock, &m, sizeof(m), &netns, &n) != (ssize_t)sizeof(m))
			_exit(0);
		if (n == 0)
			netns = -1;
		n = 0;
		if (m.op == BUILDER_MAKE)
			m.error = make_slot(home, m.serial, dirs, &n);
		else
			remove_and_look(home, audit, netns, &m);
		if (netns >= 0)
			(void)close(netns);
		/* The spawner keeps fewer requests open than the socket holds replies. */
		if (fdmsg_send(sock, &m, sizeof(m), dirs, n) < 0)
			_exit(1);
		for (size_t i = 0; i < n; i++)
			(void)close(dirs[i]);
	}
}

static _Noreturn void enter_builder(int sock, const struct cgroup_home *home)
{
	struct cgroup_home mine = *home;
	int *keep[1 + CGROUP_MAX_TREES];
	size_t n = 0;

	closer_leave();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "cc-builder");
	keep[n++] = &sock;
	for (size_t i = 0; i < mine.n_trees; i++)
		keep[n++] = &mine.instance[i];
	/* In particular not the engine's socket, whose end has to be seen, nor any slot's. */
	lowfds_keep(keep, n);
	builder_main(sock, &mine);
}

int builder_start(struct builder *b, const struct cgroup_home *home, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(e, ERR_IO, errno, "make a socket pair");
	b->pid = fork();
	if (b->pid == 0)
		enter_builder(pair[1], home);
	(void)close(pair[1]);
	if (b->pid < 0) {
		(void)close(pair[0]);
		return err_set(e, ERR_IO, errno, "fork the builder");
	}
	b->sock = pair[0];
	return 0;
}

void builder_stop(struct builder *b)
{
	if (b->pid > 0) {
		(void)kill(b->pid, SIGKILL);
		(void)waitpid(b->pid, NULL, 0);
	}
	b->pid = -1;
	if (b->sock >= 0)
		(void)close(b->sock);
	b->sock = -1;
}

bool builder_ask(const struct builder *b, enum builder_op op, uint32_t slot, uint64_t serial, int netns)
{
	struct builder_message m = { .op = op, .slot = slot, .serial = serial };

	return fdmsg_send(b->sock, &m, sizeof(m), &netns, netns >= 0) == 0;
}

int builder_answer(const struct builder *b, size_t n_trees, struct builder_message *ret,
		   int dirs[CGROUP_MAX_TREES])
{
	size_t n = CGROUP_MAX_TREES;
	ssize_t len = fdmsg_receive(b->sock, ret, sizeof(*ret), dirs, &n);

	if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (len == (ssize_t)sizeof(*ret) && n == (ret->op == BUILDER_MAKE && !ret->error ? n_trees : 0))
		return 1;
	while (len >= 0 && n > 0)
		(void)close(dirs[--n]);
	return -1;
}
