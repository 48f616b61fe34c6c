/* SPDX-License-Identifier: MIT */
/*
 * One datagram with descriptors over a local SOCK_SEQPACKET socket. The single place that touches control
 * messages, so that the single place that could leak a descriptor is here. Never blocks.
 */
#ifndef SANDBOX_FDMSG_H
#define SANDBOX_FDMSG_H

#include <stddef.h>
#include <sys/types.h>

#define FDMSG_MAX_FDS 8

/* The descriptors stay the caller's. 0, or -1 with errno (EAGAIN: the socket is full). */
int fdmsg_send(int sock, const void *data, size_t size, const int *fds, size_t n_fds);

/*
 * Receives into `data`; `*n_fds` is the room in `fds` (at most FDMSG_MAX_FDS) and becomes the number
 * received, all CLOEXEC and the caller's. Returns the length, 0 at the end of the connection (an empty
 * datagram counts as one), -1 with errno: EAGAIN when nothing waits, EPROTO when the datagram or its
 * descriptors did not fit (they are closed). All that came are taken out of the datagram, fit or not: the
 * kernel would close them on the spot.
 */
ssize_t fdmsg_receive(int sock, void *data, size_t size, int *fds, size_t *n_fds);

/* The same, but waits for a datagram. */
ssize_t fdmsg_wait(int sock, void *data, size_t size, int *fds, size_t *n_fds);

/* Closes a descriptor that came with a datagram: close(2), unless another way was set for the process (NULL:
 * close again). */
void fdmsg_close(int fd);
void fdmsg_close_with(void (*way)(int fd));

#endif
