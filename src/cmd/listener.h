/* SPDX-License-Identifier: MIT */
/* What there is to say about the listening socket. */
#ifndef CMD_LISTENER_H
#define CMD_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#define LISTENER_URL_SIZE 80

/* "http://127.0.0.1:3000", with the port it really has. -1 with errno. */
int listener_url(int listener, char *out, size_t size);

/* Whether only this machine can reach it. */
bool listener_is_loopback(int listener);

#endif
