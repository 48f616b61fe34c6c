/* SPDX-License-Identifier: MIT */
#include "store/mongo_test_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 60000

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* Bound to `port`, 0: any. */
static int bound(int port, int *ret_port)
{
	struct sockaddr_in at = loopback(port);
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	assert(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static int connected(int port)
{
	struct sockaddr_in at = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(fd >= 0);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

int test_free_port(void)
{
	int port;

	(void)close(bound(0, &port));
	return port;
}

static void become_server(const struct test_server *s)
{
	char port[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(port, sizeof(port), "%d", s->port);
	execl(SOURCE_ROOT "/scripts/mongo-server", "mongo-server", "run", BUILD_ROOT, s->dir, port,
	      (char *)NULL);
	_exit(126);
}

/* It is built the first time, which takes longer than any timeout of its own. */
static void check_that_there_is_one(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl(SOURCE_ROOT "/scripts/mongo-server", "mongo-server", "build", BUILD_ROOT, (char *)NULL);
		_exit(126);
	}
	assert(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	if (WEXITSTATUS(status))
		exit(WEXITSTATUS(status));
}

/* There is no event for a port that begins to listen. */
static void wait_for_port(const struct test_server *s)
{
	for (int waited = 0; waited < START_MS; waited += 10) {
		int fd = connected(s->port);

		if (fd >= 0) {
			(void)close(fd);
			return;
		}
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
			break;
		(void)poll(NULL, 0, 10);
	}
	fprintf(stderr, "the server did not start; its data is in %s\n", s->dir);
	abort();
}

void test_server_start(struct test_server *s)
{
	if (!s->dir[0]) {
		check_that_there_is_one();
		snprintf(s->dir, sizeof(s->dir), "/tmp/codecrusher-mongo-XXXXXX");
		assert(mkdtemp(s->dir));
	}
	if (!s->port)
		s->port = test_free_port();
	s->pid = fork();
	if (s->pid == 0)
		become_server(s);
	assert(s->pid > 0);
	wait_for_port(s);
}

void test_server_kill(struct test_server *s)
{
	if (!s->pid)
		return;
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

void test_server_remove(struct test_server *s)
{
	pid_t pid;

	test_server_kill(s);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", s->dir, (char *)NULL);
		_exit(126);
	}
	(void)waitpid(pid, NULL, 0);
	memset(s, 0, sizeof(*s));
}

/* ---- the proxy: a thread for each connection, and one that accepts ---- */

struct proxy_thread {
	struct test_proxy *proxy;
	pthread_t thread;
	int client;
	int server;
	struct proxy_thread *next;
};

/* False at the end. */
static bool pass(int from, int to, const char *word, bool *ret_seen)
{
	static _Thread_local char bytes[1 << 16];
	ssize_t n = recv(from, bytes, sizeof(bytes), 0);

	if (n <= 0)
		return false;
	if (word && memmem(bytes, (size_t)n, word, strlen(word)))
		*ret_seen = true;
	return to < 0 || send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n;
}

static void *serve(void *arg)
{
	struct proxy_thread *t = arg;
	struct test_proxy *p = t->proxy;
	struct pollfd fds[] = { { .fd = t->client, .events = POLLIN },
				{ .fd = t->server, .events = POLLIN } };
	bool seen = false, more = true;

	while (more && poll(fds, 2, -1) > 0) {
		if (fds[0].revents)
			more = pass(t->client, t->server, p->armed ? p->word : NULL, &seen);
		if (more && fds[1].revents) {
			bool lose = seen && p->armed;

			more = pass(t->server, lose ? -1 : t->client, NULL, NULL);
			if (lose) {
				p->armed = false;
				p->lost++;
				more = false;
			}
		}
	}
	(void)close(t->client);
	(void)close(t->server);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct proxy_thread *self = arg;
	struct test_proxy *p = self->proxy;

	for (;;) {
		struct proxy_thread *t = calloc(1, sizeof(*t));

		assert(t);
		t->client = accept(p->listener, NULL, NULL);
		t->server = t->client < 0 ? -1 : connected(p->target);
		if (t->server < 0) {
			if (t->client >= 0)
				(void)close(t->client);
			free(t);
			return NULL;
		}
		t->proxy = p;
		t->next = self->next;
		self->next = t;
		assert(pthread_create(&t->thread, NULL, serve, t) == 0);
	}
}

void test_proxy_start(struct test_proxy *p, int target, const char *word)
{
	p->target = target;
	p->word = word;
	p->armed = false;
	p->lost = 0;
	p->listener = bound(0, &p->port);
	assert(listen(p->listener, 16) == 0);
	p->threads = calloc(1, sizeof(*p->threads));
	assert(p->threads);
	p->threads->proxy = p;
	assert(pthread_create(&p->threads->thread, NULL, accept_all, p->threads) == 0);
}

void test_proxy_stop(struct test_proxy *p)
{
	(void)shutdown(p->listener, SHUT_RDWR);
	for (struct proxy_thread *t = p->threads, *next; t; t = next) {
		pthread_join(t->thread, NULL);
		next = t->next;
		free(t);
	}
	(void)close(p->listener);
}
