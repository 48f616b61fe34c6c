/* SPDX-License-Identifier: MIT */
/*
 * How init of a warm slot hands the interpreter its program. All of it happens before the interpreter reads
 * the first byte: until then no code of a stranger is in the slot, and nothing that init follows was made by
 * one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/beneath.h"
#include "sandbox/fdmsg.h"
#include "sandbox/inside.h"

/* ---- before there is an interpreter ---- */

int handover_prepare(struct handover *h, const struct slot_plan *plan, int box)
{
	*h = (struct handover){ .warm = plan->warm, .box = box, .go = plan->go };
	h->fifo = h->unread = h->status = h->spec = -1;
	h->input = spec_create();
	if (h->input < 0 || mkfifoat(box, plan->warm->source, 0600) < 0 ||
	    fchownat(box, plan->warm->source, plan->job_uid, (gid_t)plan->job_uid, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	request_prepare();
	return 0;
}

/* Its open returns when the interpreter's does. It holds the FIFO until init does, and ends. */
static _Noreturn void keep_the_door(const struct handover *h, int sock, int other)
{
	char path[sizeof("/box/") + sizeof(h->warm->source)], byte = 0;

	(void)close(other);
	snprintf(path, sizeof(path), "/box/%s", h->warm->source);
	if (open(path, O_WRONLY | O_CLOEXEC) < 0 || write(sock, &byte, 1) != 1)
		_exit(1);
	(void)!read(sock, &byte, 1);
	_exit(0);
}

/* With a number far from those that the program's own children get: it must not be able to count that there
 * was one more. The number is below those the kernel gives when it begins anew. */
int handover_post_doorman(struct handover *h, int sock, int other)
{
	pid_t pid = 299;
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};

	h->doorman = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (h->doorman == 0)
		keep_the_door(h, sock, other);
	return h->doorman < 0 ? -1 : 0;
}

int handover_arrived(struct handover *h, int sock)
{
	char byte;
	int status;

	if (read(sock, &byte, 1) != 1)
		return -1;
	h->fifo = open_beneath(h->box, h->warm->source, O_WRONLY, 0);
	h->unread = open_beneath(h->box, h->warm->source, O_RDONLY, 0);
	(void)close(sock);
	while (waitpid(h->doorman, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return h->fifo < 0 || h->unread < 0 ? -1 : 0;
}

int handover_introduce(int sock)
{
	AUTO_CLOSE int status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	return status < 0 ? -1 : fdmsg_send(sock, "", 1, &status, 1);
}

int handover_meet(struct handover *h, int sock)
{
	char byte;
	size_t n = 1;

	return fdmsg_wait(sock, &byte, 1, &h->status, &n) == 1 && n == 1 ? 0 : -1;
}

/* ---- the request ---- */

/*
 * Whether SIGKILL is on its way to the interpreter. On a busy machine that takes a while, and one that is
 * woken for it may still take the program out of the FIFO, in the kernel, before it dies. One that has begun
 * to die takes nothing any more, which handover_is_untouched sees.
 */
static bool is_being_killed(const struct handover *h)
{
	static const char pending[] = "\nSigPnd:\t";
	char text[2048], *at;
	ssize_t n = pread(h->status, text, sizeof(text) - 1, 0);

	if (n < 0)
		return false;
	text[n] = '\0';
	at = strstr(text, pending);
	return at && (strtoull(at + sizeof(pending) - 1, NULL, 16) & (1u << (SIGKILL - 1)));
}

/* The interpreter has been started with this command and no other. The engine is to ask for a warm slot only
 * when both are the same. */
static bool is_its_command(const struct handover *h, const struct spec_view *v)
{
	const char *end = v->argv;

	for (uint32_t i = 0; i < v->head.n_argv + v->head.n_env; i++)
		end += strlen(end) + 1;
	return v->head.n_argv == h->warm->n_argv && v->head.n_env == h->warm->n_env &&
	       (size_t)(end - v->argv) == h->warm->text_len &&
	       memcmp(v->argv, h->warm->text, h->warm->text_len) == 0 && v->head.n_files == 1 &&
	       strcmp(v->names, h->warm->source) == 0;
}

/* A file in the FIFO's place, before its content goes through the FIFO: whoever opens the main file by its
 * name, as tracebacks do, gets the file. */
static int put_file(const struct handover *h)
{
	return unlinkat(h->box, h->warm->source, 0) < 0 ? -1 : unpack_files(h->box, h->program);
}

static int copy(int from, int to)
{
	static char chunk[65536];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, chunk, sizeof(chunk), at)) > 0) {
		if (spec_write_all(to, chunk, (size_t)n) < 0)
			return -1;
		at += n;
	}
	return n < 0 ? -1 : 0;
}

/* The interpreter has the same memfd as its descriptor 0, for reading and with an offset of its own. */
static int fill_input(const struct handover *h, const struct request *r)
{
	return (r->input >= 0 && copy(r->input, h->input) < 0) || spec_seal(h->input) < 0 ? -1 : 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* What is in the way, or NULL; errno is set. */
static const char *place(struct handover *h, const struct request *r)
{
	h->program = request_load(r->spec, SPEC_MAGIC);
	if (!h->program)
		return "read the spec";
	if (!is_its_command(h, h->program) || r->artifacts >= 0) {
		errno = EINVAL;
		return "a request that no warm slot can take";
	}
	h->at = h->program->head.meta_len;
	h->left = h->program->entries[0].len;
	if (put_file(h) < 0)
		return "write the main file";
	return fill_input(h, r) < 0 ? "write standard input" : NULL;
}

int handover_take(struct handover *h, int report)
{
	struct request r;
	int got = request_receive(&r, h->go, false);
	const char *problem;

	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got == 0)
		_exit(127); /* the spawner dropped the slot, or is gone */
	close_fd(&h->go);
	if (got > 0 && is_being_killed(h))
		report_and_exit(report, SLOT_BROKEN, 0, "the interpreter was killed while it waited");
	close_fd(&h->status);
	problem = got < 0 ? "receive go" : place(h, &r);
	if (problem) {
		report_send(report, SLOT_EXEC_FAILED, errno, problem);
		return -1;
	}
	close_fd(&h->input);
	close_fd(&r.input);
	h->spec = r.spec;
	handover_pump(h);
	return 0;
}

/* ---- the program ---- */

void handover_pump(struct handover *h)
{
	while (h->left > 0) {
		size_t size;
		const char *data = spec_data(h->program, h->at, h->left, &size);
		ssize_t n;

		if (!data)
			_exit(1); /* half a program must not run: without init, nothing of the slot is left */
		n = write(h->fifo, data, size);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			break;
		h->at += (uint64_t)n;
		h->left -= (uint64_t)n;
		h->done += (size_t)n;
	}
	/* The end of the program's text. */
	close_fd(&h->fifo);
	close_fd(&h->spec);
}

bool handover_is_untouched(const struct handover *h)
{
	int unread;

	return ioctl(h->unread, FIONREAD, &unread) == 0 && (size_t)unread == h->done;
}
