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

/* Reads head and body into `in`; *ret_body is where the body begins. */
static void read_answer(int sock, char *in, size_t size, char **ret_body)
{
	size_t used = 0, need = 0;

	*ret_body = NULL;
	while (!*ret_body || used < need) {
		ssize_t n = recv(sock, in + used, size - used - 1, 0);

		if (n <= 0)
			errx(1, "the server closed the connection");
		used += (size_t)n;
		in[used] = '\0';
		if (!*ret_body) {
			char *end = strstr(in, "\r\n\r\n");
			char *length = strcasestr(in, "\r\nContent-Length:");

			if (!end)
				continue;
			if (!length)
				errx(1, "an answer without Content-Length");
			*ret_body = end + 4;
			need = (size_t)(*ret_body - in) + strtoul(length + 17, NULL, 10);
			if (need >= size)
				errx(1, "an answer of more than %zu bytes", size);
		}
	}
}

static int receive(int sock, char *answer, size_t size)
{
	static _Thread_local char in[1 << 18];
	char *got;

	read_answer(sock, in, sizeof(in), &got);
	snprintf(answer, size, "%s", got);
	return (int)strtol(in + 9, NULL, 10);
}

int client_get(int sock, const char *path, char *answer, size_t size)
{
	char head[512];
	int len = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);

	send_all(sock, head, (size_t)len);
	return receive(sock, answer, size);
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
	return receive(sock, answer, size);
}
