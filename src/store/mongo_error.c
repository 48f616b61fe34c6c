/* SPDX-License-Identifier: MIT */
/* What the driver and the server answer when it did not work. */
#include <string.h>

#include "store/mongo_internal.h"

/* Codes of the server's protocol. */
enum {
	CODE_HOST_UNREACHABLE = 6,
	CODE_HOST_NOT_FOUND = 7,
	CODE_UNAUTHORIZED = 13,
	CODE_AUTHENTICATION_FAILED = 18,
	CODE_MAX_TIME_EXPIRED = 50,
	CODE_WRITE_CONCERN_TIMEOUT = 64,
	CODE_NETWORK_TIMEOUT = 89,
	CODE_SHUTDOWN_IN_PROGRESS = 91,
	CODE_PRIMARY_STEPPED_DOWN = 189,
	CODE_SOCKET_EXCEPTION = 9001,
	CODE_NOT_WRITABLE_PRIMARY = 10107,
	CODE_BSON_TOO_LARGE = 10334,
	CODE_INTERRUPTED_AT_SHUTDOWN = 11600,
	CODE_INTERRUPTED_DUE_TO_REPL = 11602,
	CODE_NOT_PRIMARY_NO_SECONDARY_OK = 13435,
	CODE_NOT_PRIMARY_OR_SECONDARY = 13436,
	CODE_OUT_OF_DISK_SPACE = 14031,
};

/* The server is not there, or not the one to ask now: another try may find another one. */
static bool is_lost(const bson_error_t *why)
{
	if (why->domain == MONGOC_ERROR_SERVER_SELECTION || why->domain == MONGOC_ERROR_STREAM)
		return true;
	switch (why->code) {
	case CODE_HOST_UNREACHABLE:
	case CODE_HOST_NOT_FOUND:
	case CODE_NETWORK_TIMEOUT:
	case CODE_SHUTDOWN_IN_PROGRESS:
	case CODE_PRIMARY_STEPPED_DOWN:
	case CODE_SOCKET_EXCEPTION:
	case CODE_NOT_WRITABLE_PRIMARY:
	case CODE_INTERRUPTED_AT_SHUTDOWN:
	case CODE_INTERRUPTED_DUE_TO_REPL:
	case CODE_NOT_PRIMARY_NO_SECONDARY_OK:
	case CODE_NOT_PRIMARY_OR_SECONDARY:
		return why->domain == MONGOC_ERROR_SERVER || why->domain == MONGOC_ERROR_WRITE_CONCERN;
	default:
		return false;
	}
}

/* FerretDB passes on what its own database said. */
static bool is_full(const bson_error_t *why)
{
	return why->code == CODE_OUT_OF_DISK_SPACE || strcasestr(why->message, "no space left") ||
	       strcasestr(why->message, "disk is full") || strcasestr(why->message, "disk space");
}

static bool is_denied(const bson_error_t *why)
{
	return why->code == CODE_UNAUTHORIZED || why->code == CODE_AUTHENTICATION_FAILED ||
	       (why->domain == MONGOC_ERROR_CLIENT && why->code == MONGOC_ERROR_CLIENT_AUTHENTICATE);
}

int mongo_fail(struct mongo_session *s, const bson_error_t *why, const char *what, struct err *e)
{
	if (is_denied(why))
		return err_set(
			e, ERR_IO, 0,
			"MongoDB refuses user or password of MONGO_URL, or what the user wants to do: %s",
			why->message);
	if (is_full(why))
		return err_set(e, ERR_DISK_FULL, 0, "MongoDB's disk is full: %s", why->message);
	if (is_lost(why)) {
		s->lost = true;
		return err_set(e, ERR_BUSY, 0, "MongoDB cannot be reached: %s", why->message);
	}
	if (why->code == CODE_BSON_TOO_LARGE)
		return err_set(e, ERR_LIMIT, 0, "It is too large for MongoDB to %s: %s", what, why->message);
	if (why->code == CODE_WRITE_CONCERN_TIMEOUT || why->code == CODE_MAX_TIME_EXPIRED)
		return err_set(e, ERR_BUSY, 0, "MongoDB took too long to %s: %s", what, why->message);
	return err_set(e, ERR_IO, 0, "MongoDB could not %s: %s (code %u)", what, why->message, why->code);
}

bool mongo_is_duplicate(const bson_error_t *why)
{
	return why->code == MONGOC_ERROR_DUPLICATE_KEY;
}

const char *mongo_without_password(const char *message, const char *url)
{
	const char *start = strstr(url, "://");
	const char *end;
	char secret[64];
	size_t len;

	start = start ? start + 3 : url;
	end = strrchr(start, '@');
	if (!end)
		return message;
	start = memchr(start, ':', (size_t)(end - start));
	if (!start)
		return message;
	/* Its beginning is enough to know it by. */
	len = (size_t)(end - start - 1);
	snprintf(secret, sizeof(secret), "%.*s", (int)(len < 4 ? len : 4), start + 1);
	return secret[0] && strstr(message, secret) ? "it is not well-formed" : message;
}
