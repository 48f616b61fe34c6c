/* SPDX-License-Identifier: MIT */
/*
 * One request to a Docker Engine over its unix socket, each on a connection of its own. Asked as HTTP/1.0,
 * the Engine answers without chunks and closes at the end: the whole protocol is a status line, a blank line
 * and the end of the file. Attaching upgrades its connection to a stream.
 */
#ifndef EXECUTOR_DOCKER_HTTP_H
#define EXECUTOR_DOCKER_HTTP_H

#include <stddef.h>

#include "base/err.h"

struct event_base;
struct bufferevent;
struct docker_call;

/* `status` is 0 when there was no answer, and `why` says why. `body` ends with a NUL. The call is gone after
 * it. */
typedef void docker_answer_fn(int status, const char *body, const struct err *why, void *arg);
/* `stream` is the receiver's from here on, or NULL: then `why`. */
typedef void docker_stream_fn(struct bufferevent *stream, const struct err *why, void *arg);

/* `path` has its query and version; `body` is JSON or NULL. `fn` is never called inside; NULL with ERR_IO
 * when the Engine cannot be reached. */
struct docker_call *docker_call(struct event_base *base, const char *socket, const char *method,
				const char *path, const char *body, docker_answer_fn *fn, void *arg,
				struct err *e);
struct docker_call *docker_call_stream(struct event_base *base, const char *socket, const char *path,
				       docker_stream_fn *fn, void *arg, struct err *e);
/* No answer will come; NULL is fine. What the request asked for may happen all the same. */
void docker_call_cancel(struct docker_call *c);

/* The Engine's own sentence in the JSON of an error, cut to `size`. */
void docker_message(const char *body, char *out, size_t size);

#endif
