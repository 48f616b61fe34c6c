/* SPDX-License-Identifier: MIT */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

bool utf8_is_valid(const char *data, size_t len);

/* Adds the bytes to `out`, each invalid sequence replaced by U+FFFD ("maximal subpart" practice of Unicode
 * §3.9, what browsers do). *ret_replaced tells whether any was. False when `out` is full. */
bool utf8_add_replaced(struct buf *out, const char *data, size_t len, bool *ret_replaced);

#endif
