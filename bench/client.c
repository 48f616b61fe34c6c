/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int client_connect(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (sock < 0 || connect(sock, (struct sockaddr *)&to, sizeof(to)) != 0)
		err(1, "connect to port %d", port);
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return sock;
}

static void send_all(int sock, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(sock, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			err(1, "send");
		data += n;
		len -= (size_t)n;
	}
}

struct answer {
	char *text;
	size_t size, used;
};

static void make_room(struct answer *a, size_t wanted)
{
	if (wanted <= a->size)
		return;
	a->size = wanted > 2 * a->size ? wanted : 2 * a->size;
	a->text = realloc(a->text, a->size);
	if (!a->text)
		err(1, "an answer of %zu bytes", a->size);
}

/* Reads head and body; returns where the body begins. */
static char *read_answer(int sock, struct answer *a)
{
	size_t body = 0, need = 0;

	a->used = 0;
	while (body == 0 || a->used < need) {
		ssize_t n;

		make_room(a, need > a->used + 65536 ? need + 1 : a->used + 65536 + 1);
		n = recv(sock, a->text + a->used, a->size - a->used - 1, 0);
		if (n <= 0)
			errx(1, "the server closed the connection");
		a->used += (size_t)n;
		a->text[a->used] = '\0';
		if (body == 0) {
			char *end = strstr(a->text, "\r\n\r\n");
			char *length = strcasestr(a->text, "\r\nContent-Length:");

			if (!end)
				continue;
			if (!length)
				errx(1, "an answer without Content-Length");
			body = (size_t)(end + 4 - a->text);
			need = body + strtoul(length + 17, NULL, 10);
		}
	}
	return a->text + body;
}

int client_receive(int sock, char *answer, size_t size)
{
	static _Thread_local struct answer in;
	const char *got = read_answer(sock, &in);

	snprintf(answer, size, "%s", got);
	return (int)strtol(in.text + 9, NULL, 10);
}

void client_send_get(int sock, const char *path)
{
	char head[512];
	int len = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);

	send_all(sock, head, (size_t)len);
}

int client_get(int sock, const char *path, char *answer, size_t size)
{
	client_send_get(sock, path);
	return client_receive(sock, answer, size);
}

int client_post(int sock, const char *path, const char *body, char *answer, size_t size)
{
	char head[512];
	int len = snprintf(head, sizeof(head),
			   "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
			   "Content-Length: %zu\r\n\r\n",
			   path, strlen(body));

	send_all(sock, head, (size_t)len);
	send_all(sock, body, strlen(body));
	return client_receive(sock, answer, size);
}
