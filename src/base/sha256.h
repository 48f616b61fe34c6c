/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 of FIPS 180-4 (§5 padding and constants, §6.2 the computation): names for contents, and what is
 * kept of a secret that is random already. Written here, since a cryptography library would cost the engine
 * several megabytes for this one function. Nothing is allocated. Not for passwords: those need a slow hash.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE	32		      /* bytes of a digest */
#define SHA256_HEX_SIZE (2 * SHA256_SIZE + 1) /* as lower-case hexadecimal text, its NUL included */

/* A digest in the making; storage is the caller's. */
struct sha256 {
	uint32_t state[8];
	uint64_t total;		 /* bytes so far */
	unsigned char block[64]; /* of which total % 64 are filled */
};

void sha256_init(struct sha256 *h);
void sha256_update(struct sha256 *h, const void *data, size_t len);
/* Ends it; the struct must be initialised again before another use. */
void sha256_final(struct sha256 *h, unsigned char out[SHA256_SIZE]);

/* All of it in one call. */
void sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE]);

/* The digest as text. */
void sha256_to_hex(const unsigned char digest[SHA256_SIZE], char out[SHA256_HEX_SIZE]);

#endif
