/* SPDX-License-Identifier: MIT */
/* What server.c, connection.c, request.c and answer.c share. Not for other directories. */
#ifndef HTTP_PRIVATE_H
#define HTTP_PRIVATE_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/list.h"
#include "http/chunk.h"
#include "http/server.h"

enum conn_state {
	CONN_HEAD,   /* no byte of a request yet, or a part of its head */
	CONN_BODY,   /* the head is known, the body comes */
	CONN_HANDLE, /* a handler owes the answer */
	CONN_WRITE,  /* the answer leaves */
	CONN_LINGER, /* our half is shut; what still comes is dropped, so that no reset eats the answer */
};

/* Small, since thousands may be idle: whatever belongs to a request is in the exchange. */
struct http_conn {
	struct list link; /* in server.conns */
	struct http_server *server;
	struct bufferevent *bev;
	struct event timer;		/* the deadline of the state */
	struct event hangup;		/* sees the peer leave while reading is paused by a full buffer */
	struct http_exchange *exchange; /* CONN_BODY, CONN_HANDLE */
	struct http_scan scan;		/* CONN_HEAD */
	unsigned char address[HTTP_ADDRESS_SIZE]; /* of the peer; all zero when it has none */
	size_t answer_bytes;			  /* charged to the server; CONN_WRITE */
	size_t unsent;				  /* at the last look at the writer's progress */
	enum conn_state state;
	bool begun;	/* a byte of this request has come */
	bool head_only; /* the request is HEAD */
	bool close;	/* after the answer */
	bool eof;	/* the peer sends no more */
};

struct http_exchange {
	struct list link; /* in server.exchanges */
	struct http_server *server;
	struct http_conn *conn; /* NULL: the client has left */
	const struct http_route *route;
	const char *tail;      /* in `text` */
	struct http_head head; /* its texts are in `text` */
	char *text;	       /* the head's bytes, until the handler has seen them */
	char who[HTTP_WHO_SIZE];
	struct buf body;
	struct http_chunk chunk;
	bool handled;	/* the handler has it: counted in stats.exchanges */
	size_t charged; /* body bytes counted as in flight */
	http_gone_fn *gone;
	void *gone_arg;
};

struct http_server {
	struct event_base *base;
	struct http_options options;
	int listen_fd;
	struct event *accept_event;
	struct event *retry_timer; /* after EMFILE */
	struct list conns;
	struct list exchanges; /* with those whose client has left */
	struct http_stats stats;
	int64_t date_s; /* the second that `date` shows */
	char date[40];
	bool draining;
	struct event *drain_timer;
	http_drained_fn *drained;
	void *drained_arg;
};

/* connection.c */
#define HTTP_JSON    "application/json; charset=utf-8"
#define PIPELINE_MAX 65536 /* bytes of next requests kept while one is answered */

struct http_conn *conn_new(struct http_server *s, int fd, const unsigned char address[HTTP_ADDRESS_SIZE]);
void conn_free(struct http_conn *c);
bool conn_is_idle(const struct http_conn *c);
void conn_set_timer(struct http_conn *c, int64_t ms);
/* Answers with an error; the current exchange, if any, ends. `extra` are header lines, each with CR LF. */
void conn_error(struct http_conn *c, int status, const char *sentence, const char *field, const char *extra);
/* The same, and closes: for when it is not sure where the next request would begin. */
void conn_refuse(struct http_conn *c, int status, const char *sentence, const char *field);
/* Sends an answer; the bytes of `body` are taken. */
void conn_send(struct http_conn *c, int status, const char *type, const char *extra, struct buf *body);

/* request.c: from bytes to a handler's call. Each returns false when more bytes are needed. */
bool request_read_head(struct http_conn *c);
bool request_read_body(struct http_conn *c);

/* answer.c */
void exchange_free(struct http_exchange *x);
/* The client has left: tells the handler, or leaves the exchange for it to answer into the void. */
void exchange_abandon(struct http_exchange *x);

/* router.c: NULL when the path has none; with *ret_allow filled ("GET, HEAD") when the path has others. */
const struct http_route *route_find(const struct http_route *routes, enum http_method m, const char *path,
				    const char **ret_tail, char *ret_allow, size_t allow_size);

/* server.c */
void server_check_drained(struct http_server *s);
/* Whether an answer of this size may wait for its client beside those that do. */
bool server_has_room(const struct http_server *s, size_t bytes);
const char *server_date(struct http_server *s); /* for the Date field */

#endif
