/* SPDX-License-Identifier: MIT */
/*
 * For tests: raw clients of a server that lives on the same loop. Whatever waits here turns that loop until
 * it has what it waits for, and fails the test after 10 s.
 */
#ifndef HTTP_TEST_CLIENT_H
#define HTTP_TEST_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct event;
struct event_base;

struct test_client {
	struct event_base *base;
	int fd;
	struct event *event;
	struct buf in;
	bool eof; /* closed or reset by the server */
};

struct test_answer {
	int status;
	char head[2048];
	char body[16384]; /* cut when longer; a NUL follows */
	size_t len;	  /* of the whole body */
};

void client_open(struct test_client *c, struct event_base *base, int port);
void client_close(struct test_client *c);
void client_send(struct test_client *c, const void *data, size_t len);
void client_say(struct test_client *c, const char *text);
/* Reads one answer; `head_only`: to a HEAD request. The bytes behind it stay. */
void client_read(struct test_client *c, bool head_only, struct test_answer *ret);
/* Whether the server has closed without a further byte, once it has. */
void client_expect_end(struct test_client *c);

typedef bool test_condition_fn(void *arg);
void loop_until(struct event_base *base, test_condition_fn *fn, void *arg);
/* Turns the loop until nothing is ready. */
void loop_settle(struct event_base *base);

#endif
