/* SPDX-License-Identifier: MIT */
/* The least HTTP client that can load the server: blocking, keep-alive, answers with Content-Length only. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stddef.h>

/* Connects to 127.0.0.1:port. Ends the program when it cannot: a benchmark without a server measures nothing.
 */
int client_connect(int port);

/* GETs `path`; otherwise as client_post. In two halves for answers that are not waited for at once. */
int client_get(int sock, const char *path, char *answer, size_t size);
void client_send_get(int sock, const char *path);
int client_receive(int sock, char *answer, size_t size);

/* POSTs `body` to `path` and returns the status; the answer's body, cut at `size`, goes to `answer`. */
int client_post(int sock, const char *path, const char *body, char *answer, size_t size);

#endif
