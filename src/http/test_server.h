/* SPDX-License-Identifier: MIT */
/* For tests: a server on a loopback port, with handlers that echo, hold back, or answer at length. */
#ifndef HTTP_TEST_SERVER_H
#define HTTP_TEST_SERVER_H

#include "http/server.h"
#include "http/test_client.h"

#define H "Host: x\r\n"
#define J "Content-Type: application/json\r\n"

extern struct event_base *base;
extern struct http_server *server;
extern int port;
extern const struct http_options test_options;

/* What /later holds back until answer_held; with "?gone" it registers count_gone. */
extern struct http_exchange *held[4];
extern int n_held, n_gone, n_called;
void answer_held(int i);
void count_gone(void *arg);

/* For cmocka; each test has its own server, with test_options. */
int server_setup(void **state);
int server_teardown(void **state);
/* Another one, with other options. */
void server_restart(const struct http_options *o);
struct http_stats server_stats(void);
/* One request on its own connection; checks what every answer must have. */
void server_ask(const char *request, struct test_answer *ret);
/* A test_condition_fn. */
bool no_connections(void *arg);

#define S(name) cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

#endif
