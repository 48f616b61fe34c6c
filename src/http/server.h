/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/1.1 server for JSON resources, on one libevent loop.
 *
 * Requests come from anyone, so everything has an end: the head has a size and a deadline, the body too, the
 * sum of all bodies and of all answers not yet read has a cap, and so has the number of connections. What is
 * beyond is answered with the status that says so, as JSON, and the connection is closed. What a request may
 * not be is in http/head.h and http/chunk.h.
 *
 * A handler answers at once or later, through its exchange. Between the two the connection stays armed for
 * reading, so a client that leaves is seen at once; the bytes of a next request are kept up to a cap.
 * Answers leave in the order of the requests: a connection has one exchange at a time.
 *
 * A client that shuts down only its sending half (curl never does) still gets its answers, unless the
 * exchange has an on_gone callback: then it counts as having left.
 *
 * A door may stand in front of the handlers (http_options.admit): it sees the head of each request before its
 * body is read, and may turn it away.
 *
 * Not thread-safe; everything happens on the loop's thread.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "http/head.h"
#include "http/uri.h"

struct event_base;
struct http_server;
struct http_exchange;

/* Valid during the handler call only. */
struct http_request {
	enum http_method method; /* never HTTP_HEAD: to a handler that is a GET */
	const char *path;	 /* decoded */
	const char *tail;	 /* what stands for the route's {…}, decoded; "" without one */
	const struct http_param *params;
	int n_params;
	const struct http_head *head; /* for http_head_field */
	const char *body;	      /* a NUL follows */
	size_t body_len;
	const char *who; /* what `admit` said of its sender; "" without it */
};

/* The value of a query parameter, NULL when it was not given. */
const char *http_request_param(const struct http_request *q, const char *name);

/* Must answer the exchange, now or later: see there. */
typedef void http_handler_fn(struct http_exchange *x, const struct http_request *q, void *arg);

struct http_route {
	enum http_method method; /* HTTP_GET serves HEAD too */
	const char *path;	 /* a last part "{…}" stands for any one part that is not empty */
	http_handler_fn *handler;
	bool json_body; /* takes a body, which must be application/json; others take none */
	int access;	/* for `admit`; 0: the strictest */
};

#define HTTP_ADDRESS_SIZE 16
#define HTTP_WHO_SIZE	  16

/* A request of which the head has come. */
struct http_arrival {
	const unsigned char *address; /* HTTP_ADDRESS_SIZE bytes: IPv6, or IPv4 as ::ffff:a.b.c.d; of what
					 stands before us, if a proxy does */
	const struct http_head *head;
	const struct http_route *route; /* NULL: there is nothing at its path, or not for its method */
};
/* How one is turned away. All texts are static. */
struct http_turn_away {
	int status;
	int64_t retry_after_s; /* 0: the status's own */
	const char *sentence;
	const char *challenge; /* WWW-Authenticate, or NULL */
};
/* True: it may go on, as `ret_who`, a text; "" at first. False: *ret_answer is what it gets, filled. */
typedef bool http_admit_fn(const struct http_arrival *in, char ret_who[HTTP_WHO_SIZE],
			   struct http_turn_away *ret_answer, void *arg);

struct http_options {
	const struct http_route *routes; /* borrowed, ended by a row without path */
	void *arg;			 /* for the handlers */
	http_admit_fn *admit;		 /* NULL: everybody is let in */
	void *admit_arg;
	int64_t connections_max;
	int64_t body_max;	   /* bytes of one body */
	int64_t bodies_max;	   /* bytes of all bodies in flight */
	int64_t answers_max;	   /* bytes of all answers not yet taken by their clients */
	int64_t head_timeout_ms;   /* from a request's first byte to the end of its head */
	int64_t body_timeout_ms;   /* from there to the end of its body */
	int64_t idle_timeout_ms;   /* between requests, and before the first */
	int64_t write_timeout_ms;  /* in which a client must take 64 KiB of its answer, or the rest of it */
	int64_t linger_timeout_ms; /* to read the answer before a connection in error is cut; 0: 2 s */
};

/* Opens a listening socket, not blocking, close-on-exec. `host` is an address or a name; port 0: any. The
 * caller's until http_server_new. -1 with a sentence. */
int http_listen(const char *host, int port, struct err *e);
/* The port it listens on; -1 with errno. */
int http_listen_port(int fd);

/* Serves the listening socket, which is then the server's. Makes the process ignore SIGPIPE. NULL with the
 * reason; then it is the caller's. */
struct http_server *http_server_new(struct event_base *base, int listen_fd, const struct http_options *o,
				    struct err *e);
/* Closes everything; on_gone callbacks are run. Exchanges that are still to be answered may be, later: that
 * does nothing. NULL is fine. */
void http_server_free(struct http_server *s);
DEFINE_AUTO(struct http_server, http_server_free)

typedef void http_drained_fn(void *arg);
/* Stops accepting and closes idle connections; the others are closed after the answer they wait for.
 * `fn` is called once, from the loop, when none is left, or at the deadline, when the rest has been cut. */
void http_server_drain(struct http_server *s, int64_t deadline_ms, http_drained_fn *fn, void *arg);

struct http_stats {
	int64_t connections; /* open now */
	int64_t accepted;    /* since the start */
	int64_t refused;     /* over the cap, since the start */
	int64_t exchanges;   /* requests with a handler, not yet answered */
	int64_t body_bytes;  /* in flight now */
	int64_t answer_bytes;
	int64_t answers[6]; /* by class of status: [2] counts 200 to 299 */
};
void http_server_stats(const struct http_server *s, struct http_stats *ret);

/* ---- exchanges ---- */

/*
 * A request to be answered. Exactly one of the http_answer functions ends it, whether or not the client is
 * still there; only when on_gone has been called, the exchange has ended with that and must not be used.
 */

typedef void http_gone_fn(void *arg);
/* `fn` is called when the client leaves first. False, and nothing set, when it has left already: then answer
 * as usual, nobody reads it. `fn` NULL takes the callback back. */
bool http_exchange_on_gone(struct http_exchange *x, http_gone_fn *fn, void *arg);
/* Whether an answer of `bytes` would be sent: not when the client has left, and not when answers of too great
 * a sum wait to be read (it becomes a 503). To be asked before the work of writing a large one. */
bool http_exchange_has_room(const struct http_exchange *x, size_t bytes);

/* The bytes of the body no longer count as in flight. By default they do until the answer, since what was
 * made of them is still held somewhere. */
void http_exchange_release_body(struct http_exchange *x);

/* Answers with the bytes of `body`, which is emptied, not copied. `type` is static. Status 204 sends none. */
void http_answer(struct http_exchange *x, int status, const char *type, struct buf *body);
void http_answer_json(struct http_exchange *x, int status, struct buf *body);

/* {"success":false,"error":…,"field":…}; the status is the kind's (http/errors.h). IO and corruption are
 * logged, and told without detail. */
void http_answer_err(struct http_exchange *x, const struct err *e);

#endif
