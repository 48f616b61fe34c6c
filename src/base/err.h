/* SPDX-License-Identifier: MIT */
/*
 * Errors as one value type.
 *
 * A function that can fail for a reason worth telling takes a `struct err *` last and returns 0 or -1 (or a
 * pointer or NULL). The error is untouched on success. Library code fills it and never logs; the top of an
 * operation logs or answers once. The kind decides the HTTP status in exactly one table (http/errors.c), the
 * message is a sentence for whoever has to act on it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_kind {
	ERR_NONE,
	ERR_INVALID,	 /* what the caller sent cannot be used as it is: 400 */
	ERR_NOT_FOUND,	 /* 404 */
	ERR_CONFLICT,	 /* the object's state forbids it, or the caller no longer holds the lease: 409 */
	ERR_LIMIT,	 /* larger than a configured size: 413 */
	ERR_TOO_MANY,	 /* the caller has, or asks for, more than its share: 429 */
	ERR_BUSY,	 /* full for now, try again later: 503 */
	ERR_DISK_FULL,	 /* nothing can be stored for now: 503 */
	ERR_UNSUPPORTED, /* the host or the build lacks something: doctor says what */
	ERR_IO,		 /* a system call or a peer failed */
	ERR_CORRUPT,	 /* stored or received data breaks its own format */
};

struct err {
	enum err_kind kind;
	int sys;	/* errno of the failed call, or 0 */
	char field[64]; /* the request field or setting at fault, or "" */
	char msg[320];
};

/*
 * Fills *e and returns -1, so that `return err_set(...)` is the whole error path. A non-zero `sys` is an
 * errno; its text is appended to the message. `e` may be NULL.
 */
int err_set(struct err *e, enum err_kind kind, int sys, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), cold));

/* Like err_set, and names the field at fault. */
int err_field(struct err *e, enum err_kind kind, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), cold));

/* Puts "context: " in front of the message already in *e. Returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

#endif
