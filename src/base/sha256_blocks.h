/* SPDX-License-Identifier: MIT */
/* The inner part of SHA-256, twice: for every machine, and with x86's instructions for it. For sha256.c. */
#ifndef BASE_SHA256_BLOCKS_H
#define BASE_SHA256_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes `n` blocks of 64 bytes into the state. */
void sha256_blocks_plain(uint32_t state[8], const unsigned char *blocks, size_t n);

/* The same, some ten times faster. Only where sha256_x86_is_there says so. */
void sha256_blocks_x86(uint32_t state[8], const unsigned char *blocks, size_t n);
bool sha256_x86_is_there(void);

/* §4.2.2 */
extern const uint32_t sha256_constants[64];

#endif
