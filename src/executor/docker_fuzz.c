/* SPDX-License-Identifier: MIT */
/*
 * A Docker Engine, and a box in its container, that say whatever they like, over the unix socket as in life.
 * The input is a list of words: a byte for the kind, a byte for the length, as many bytes. The fake Engine
 * takes one for each request and, where none is left or it says so, answers as it should, so that inputs get
 * far.
 */
#include "executor/docker.h"

#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "box/protocol.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TURNS_MAX 200
#define OWN_ID	  "0123456789abcdef"

enum kind {
	AS_IT_SHOULD, /* and, to the attached stream, READY */
	RAW,	      /* the bytes, and the end of the connection */
	IN_A_FRAME,   /* for the stream: the first byte is the box's type, the rest its data */
	END_FRAME,    /* for the stream: END with the right nonce, the bytes behind it */
	CLOSE,
	KINDS,
};

struct scene {
	const uint8_t *at;
	size_t left;
	struct event_base *base;
	struct executor *x;
	struct exec_run *run;
	int stream; /* our end of the attached one; -1 */
	uint8_t nonce[BOX_NONCE_SIZE];
	size_t output;
};

static int listener;
static char path[96];

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static bool next_word(struct scene *s, enum kind *ret_kind, const uint8_t **ret, size_t *ret_len)
{
	if (s->left < 2)
		return false;
	*ret_kind = (enum kind)(s->at[0] % KINDS);
	*ret_len = s->at[1] < s->left - 2 ? s->at[1] : s->left - 2;
	*ret = s->at + 2;
	s->at += 2 + *ret_len;
	s->left -= 2 + *ret_len;
	return true;
}

static void say(int fd, const void *data, size_t len)
{
	(void)!send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- the Engine ---- */

static const char *good_answer(const char *request)
{
	if (strncmp(request, "GET /version", 12) == 0)
		return "HTTP/1.0 200 OK\r\n\r\n"
		       "{\"Version\":\"1\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}";
	if (strstr(request, "/containers/json"))
		return "HTTP/1.0 200 OK\r\n\r\n[]";
	if (strstr(request, "/containers/create"))
		return "HTTP/1.0 201 Created\r\n\r\n{\"Id\":\"" OWN_ID "\"}";
	if (strstr(request, "/attach"))
		return "HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n";
	return "HTTP/1.0 204 No Content\r\n\r\n";
}

static void serve(struct scene *s, int fd)
{
	enum kind kind = AS_IT_SHOULD;
	const uint8_t *word = NULL;
	char request[4096];
	size_t len = 0;
	ssize_t n = -1;

	/* It may be accepted before it has said anything. */
	for (int i = 0; i < 4 && n <= 0; i++) {
		n = recv(fd, request, sizeof(request) - 1, MSG_DONTWAIT);
		if (n <= 0)
			(void)event_base_loop(s->base, EVLOOP_NONBLOCK);
	}
	request[n < 0 ? 0 : n] = '\0';
	(void)next_word(s, &kind, &word, &len);
	if (kind == RAW && len > 0)
		say(fd, word, len);
	else if (kind != CLOSE)
		say(fd, good_answer(request), strlen(good_answer(request)));
	if (s->stream < 0 && kind != RAW && kind != CLOSE && strstr(request, "/attach"))
		s->stream = fd;
	else
		(void)close(fd);
}

static void serve_waiting(struct scene *s)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		serve(s, fd);
}

/* ---- the box ---- */

/* One frame of the box in one of the Engine. */
static void say_frame(struct scene *s, uint32_t type, const void *data, size_t len)
{
	struct box_frame frame = { .type = type, .len = (uint32_t)len };
	uint32_t whole = (uint32_t)(len + sizeof(frame));
	const uint8_t head[8] = { 1,
				  0,
				  0,
				  0,
				  (uint8_t)(whole >> 24),
				  (uint8_t)(whole >> 16),
				  (uint8_t)(whole >> 8),
				  (uint8_t)whole };

	say(s->stream, head, sizeof(head));
	say(s->stream, &frame, sizeof(frame));
	say(s->stream, data, len);
}

static void say_ready(struct scene *s)
{
	struct box_ready ready = { .magic = BOX_MAGIC, .version = BOX_VERSION };

	snprintf(ready.build, sizeof(ready.build), "%s", CODECRUSHER_VERSION);
	say_frame(s, BOX_READY, &ready, sizeof(ready));
}

static void say_end(struct scene *s, const uint8_t *word, size_t len)
{
	struct box_end end = { .ended = 1 };
	size_t room = sizeof(end) - BOX_NONCE_SIZE;

	memcpy(end.nonce, s->nonce, sizeof(end.nonce));
	if (len > 0)
		memcpy((char *)&end + BOX_NONCE_SIZE, word, len < room ? len : room);
	say_frame(s, BOX_END, &end, sizeof(end));
}

static void hear_order(struct scene *s)
{
	struct box_order order;
	char rest[65536];

	if (recv(s->stream, &order, sizeof(order), MSG_DONTWAIT) == (ssize_t)sizeof(order) &&
	    order.magic == BOX_MAGIC)
		memcpy(s->nonce, order.nonce, sizeof(s->nonce));
	while (recv(s->stream, rest, sizeof(rest), MSG_DONTWAIT) > 0)
		;
}

static void say_something(struct scene *s)
{
	enum kind kind;
	const uint8_t *word;
	size_t len;

	hear_order(s);
	if (!next_word(s, &kind, &word, &len))
		kind = CLOSE;
	if (kind == AS_IT_SHOULD) {
		say_ready(s);
	} else if (kind == RAW) {
		say(s->stream, word, len);
	} else if (kind == IN_A_FRAME && len > 0) {
		say_frame(s, word[0], word + 1, len - 1);
	} else if (kind == END_FRAME) {
		say_end(s, word, len);
	} else if (kind == CLOSE) {
		(void)close(s->stream);
		s->stream = -1;
	}
}

/* ---- who runs something ---- */

static void on_output(enum exec_stream stream, const char *data, size_t len, void *arg)
{
	struct scene *s = arg;

	must((stream == EXEC_STDOUT || stream == EXEC_STDERR) && data);
	s->output += len;
	must(s->output <= 2 * 100);
}

static void on_run_done(const struct exec_report *r, void *arg)
{
	struct scene *s = arg;

	must(memchr(r->problem, '\0', sizeof(r->problem)) != NULL);
	must(r->lost || (r->stop <= EXEC_STOP_WALL && r->exit_code >= -1 && r->exit_code <= 255));
	must(r->lost || (r->signal >= 0 && r->signal <= 127));
	if (!r->lost)
		must(r->cpu_us >= 0 && r->wall_us >= 0 && r->memory_bytes >= 0);
	if (r->artifacts_fd >= 0)
		(void)close(r->artifacts_fd);
	s->run = NULL;
	s->output = 0;
}

static void start(struct scene *s, unsigned turn)
{
	static const char *const argv[] = { "prog", NULL }, *const env[] = { NULL },
				 *const collect[] = { "*", NULL };
	static const struct exec_events events = { on_output, on_run_done };
	const struct exec_spec spec = {
		.image = "image",
		.argv = argv,
		.env = env,
		.artifacts_fd = -1,
		.stdin_fd = -1,
		.collect = collect,
		.limits = { 1000, 2000, 64 << 20, 10, 100, 1 << 20, 1 << 20 },
	};
	struct err e;

	if (!s->run)
		s->run = executor_start(s->x, &spec, &events, s, &e);
	else if (turn % 64 == 63)
		executor_cancel(s->run);
}

static void play(struct scene *s)
{
	for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
		(void)event_base_loop(s->base, EVLOOP_NONBLOCK);
		start(s, turn);
		serve_waiting(s);
		if (s->stream >= 0)
			say_something(s);
		else if (s->left < 2)
			break;
	}
	(void)event_base_loop(s->base, EVLOOP_NONBLOCK);
}

/* ---- ---- */

static void leave(void)
{
	(void)unlink(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)argc;
	(void)argv;
	(void)signal(SIGPIPE, SIG_IGN); /* as in the engine */
	log_setup(LOG_ERROR + 1, false, "fuzz");
	snprintf(path, sizeof(path), "/tmp/docker-fuzz-%d", (int)getpid());
	memcpy(at.sun_path, path, sizeof(at.sun_path) < sizeof(path) ? sizeof(at.sun_path) : sizeof(path));
	(void)unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(listener >= 0 && bind(listener, (const struct sockaddr *)&at, sizeof(at)) == 0);
	must(listen(listener, 64) == 0);
	(void)atexit(leave);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_base *base = event_base_new();
	struct scene s = { .base = base, .at = data, .left = size, .stream = -1 };
	const struct docker_options options = {
		.socket = path, .runtime = "", .box = "/box", .slots = 1, .spares = 1, .arg = &s
	};
	struct err e;
	int fd;

	must(base != NULL);
	s.x = docker_new(base, &options, &e);
	must(s.x != NULL);
	play(&s);
	executor_free(s.x);
	event_base_free(base);
	if (s.stream >= 0)
		(void)close(s.stream);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		(void)close(fd);
	return 0;
}
