/* SPDX-License-Identifier: MIT */
/* Descriptors that a taken-over engine could send; for hostile*_test.c. Failing calls fail the test. */
#ifndef SANDBOX_HOSTILE_RIG_H
#define SANDBOX_HOSTILE_RIG_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>

#define HOSTILE_ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A memfd with these bytes and seals. */
int hostile_sealed_memfd(const void *data, size_t len, int seals);
/* A spec, as it should be, of a shell command. */
int hostile_spec_of(const char *command);
/* A spec, or a set of files, that begins with `magic` and lies: what no spec_memfd would write. Which lie,
 * `seed` chooses, and it moves on. */
int hostile_bent_spec(unsigned *seed, uint32_t magic);

/* One that no run may bring, for each `kind` below HOSTILE_KINDS: devices, directories, links, FIFOs, sockets
 * ..., and memfds with all but one set of seals. -1: this machine has none of the kind. */
#define HOSTILE_KINDS 35
int hostile_fd(int kind);

/* A socket whose last close(2) waits ten minutes, or until its peer, *ret_peer, is closed. */
int hostile_socket_that_lingers(int *ret_peer);

#endif
