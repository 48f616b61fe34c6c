/* SPDX-License-Identifier: MIT */
/* A real server for the tests of the MongoDB store, a way to break connections to it, and a look into it. */
#ifndef STORE_MONGO_TEST_SERVER_H
#define STORE_MONGO_TEST_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct test_server {
	char dir[64];
	int port;
	pid_t pid; /* 0: stopped */
};

/* A port that was free a moment ago. */
int test_free_port(void);

/* Starts it, in the directory it had if it has one, and waits until it answers. Ends the process with 77, for
 * "skipped", when the machine has no such server. */
void test_server_start(struct test_server *s);
void test_server_kill(struct test_server *s); /* SIGKILL */
void test_server_remove(struct test_server *s);

/* Passes bytes between a client and the server, until it is told to lose an answer. */
struct test_proxy {
	int port;
	int listener;
	int target;
	_Atomic bool
		armed; /* the next answer to a request that has `word` in it is lost, with its connection */
	_Atomic int lost;
	const char *word;
	struct proxy_thread *threads;
};
void test_proxy_start(struct test_proxy *p, int target, const char *word);
/* After all clients have gone. */
void test_proxy_stop(struct test_proxy *p);

#endif
