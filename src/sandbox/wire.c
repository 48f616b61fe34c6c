/* SPDX-License-Identifier: MIT */
#include "sandbox/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/fdmsg.h"

static size_t size_of_type(uint32_t type)
{
	switch ((enum wire_type)type) {
	case WIRE_RUN:
		return sizeof(struct wire_run);
	case WIRE_KILL:
		return sizeof(struct wire_kill);
	case WIRE_HELLO:
		return sizeof(struct wire_hello);
	case WIRE_STATE:
		return sizeof(struct wire_state);
	case WIRE_STARTED:
		return sizeof(struct wire_started);
	case WIRE_DONE:
		return sizeof(struct wire_done);
	case WIRE_REFUSED:
		return sizeof(struct wire_refused);
	}
	return 0;
}

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static int check_run(const struct wire_run *run, size_t n_fds, struct err *e)
{
	const uint32_t known = WIRE_RUN_STDIN | WIRE_RUN_ARTIFACTS | WIRE_RUN_COLLECT;
	size_t expected = 1;

	if (run->head.run == 0)
		return err_set(e, ERR_CORRUPT, 0, "a run needs an id other than 0");
	if (run->flags & ~known)
		return err_set(e, ERR_CORRUPT, 0, "unknown run flags %#x", run->flags & ~known);
	if (run->warm > SANDBOX_MAX_WARM)
		return err_set(e, ERR_CORRUPT, 0, "a run for warm interpreter %u", run->warm);
	expected += (run->flags & WIRE_RUN_STDIN) != 0;
	expected += (run->flags & WIRE_RUN_ARTIFACTS) != 0;
	if (n_fds != expected)
		return err_set(e, ERR_CORRUPT, 0, "a run with %zu descriptors instead of %zu", n_fds,
			       expected);
	return 0;
}

static int check_done(const struct wire_done *done, size_t n_fds, struct err *e)
{
	const uint32_t known = WIRE_DONE_LOST | WIRE_DONE_STARTED | WIRE_DONE_ARTIFACTS;

	if ((done->flags & ~known) || done->stop > WIRE_STOP_WALL)
		return err_set(e, ERR_CORRUPT, 0, "a report with unknown flags or an unknown reason");
	if (n_fds != ((done->flags & WIRE_DONE_ARTIFACTS) ? 1u : 0u))
		return err_set(e, ERR_CORRUPT, 0, "a report with %zu descriptors", n_fds);
	if (!is_text(done->problem, sizeof(done->problem)))
		return err_set(e, ERR_CORRUPT, 0, "a report whose text has no end");
	return 0;
}

/* What the types that carry no flags need. */
static int check_plain(const struct wire_message *m, size_t n_fds, struct err *e)
{
	size_t expected = m->head.type == WIRE_STARTED ? 2 : 0;

	if (n_fds != expected)
		return err_set(e, ERR_CORRUPT, 0, "a message of type %u with %zu descriptors", m->head.type,
			       n_fds);
	if (m->head.type == WIRE_KILL && m->kill.stop != WIRE_STOP_CANCELLED &&
	    m->kill.stop != WIRE_STOP_OUTPUT)
		return err_set(e, ERR_CORRUPT, 0, "a kill for reason %u", m->kill.stop);
	if (m->head.type == WIRE_STARTED && (m->started.flags & ~(uint32_t)WIRE_STARTED_WARM))
		return err_set(e, ERR_CORRUPT, 0, "a start with unknown flags %#x", m->started.flags);
	if (m->head.type == WIRE_HELLO && !is_text(m->hello.version, sizeof(m->hello.version)))
		return err_set(e, ERR_CORRUPT, 0, "a greeting whose text has no end");
	if (m->head.type == WIRE_REFUSED && !is_text(m->refused.reason, sizeof(m->refused.reason)))
		return err_set(e, ERR_CORRUPT, 0, "a refusal whose text has no end");
	return 0;
}

int wire_check(const struct wire_message *m, size_t size, size_t n_fds, struct err *e)
{
	size_t expected;

	if (size < sizeof(m->head))
		return err_set(e, ERR_CORRUPT, 0, "a message of %zu bytes", size);
	expected = size_of_type(m->head.type);
	if (expected == 0)
		return err_set(e, ERR_CORRUPT, 0, "a message of unknown type %u", m->head.type);
	if (size != expected || m->head.size != expected)
		return err_set(e, ERR_CORRUPT, 0,
			       "a message of type %u with %zu bytes (says %u) instead of %zu", m->head.type,
			       size, m->head.size, expected);
	if (m->head.type == WIRE_RUN)
		return check_run(&m->run, n_fds, e);
	if (m->head.type == WIRE_DONE)
		return check_done(&m->done, n_fds, e);
	return check_plain(m, n_fds, e);
}

int wire_send(int sock, const void *message, size_t size, const int *fds, size_t n_fds)
{
	if (size > WIRE_MAX_SIZE || n_fds > WIRE_MAX_FDS) {
		errno = EMSGSIZE;
		return -1;
	}
	return fdmsg_send(sock, message, size, fds, n_fds);
}

int wire_receive(int sock, struct wire_message *m, struct err *e)
{
	ssize_t len;

	_Static_assert(WIRE_MAX_FDS <= FDMSG_MAX_FDS, "every message fits");
	m->n_fds = WIRE_MAX_FDS;
	len = fdmsg_receive(sock, m->bytes, sizeof(m->bytes), m->fds, &m->n_fds);
	if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return err_set(e, ERR_BUSY, 0, "no message yet");
	if (len < 0 && errno == EPROTO)
		return err_set(e, ERR_CORRUPT, 0, "a message that is too long or has too many descriptors");
	if (len < 0 && (errno == ECONNRESET || errno == ENOTCONN))
		return 0;
	if (len < 0)
		return err_set(e, ERR_CORRUPT, errno, "receive a message");
	if (len == 0) {
		wire_close_fds(m);
		return 0;
	}
	if (wire_check(m, (size_t)len, m->n_fds, e) < 0) {
		wire_close_fds(m);
		return -1;
	}
	return 1;
}

void wire_close_fds(struct wire_message *m)
{
	for (size_t i = 0; i < m->n_fds; i++)
		fdmsg_close(m->fds[i]);
	m->n_fds = 0;
}
