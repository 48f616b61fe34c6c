/* SPDX-License-Identifier: MIT */
/* Base64 of RFC 4648 §4, padded. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* False when `out` is full. */
bool base64_add_encoded(struct buf *out, const void *data, size_t len);

/* Strict: wrong alphabet, length or padding, and non-zero trailing bits are refused; line breaks too. On
 * false `out` is as before. */
bool base64_add_decoded(struct buf *out, const char *text, size_t len);

#endif
