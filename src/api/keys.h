/* SPDX-License-Identifier: MIT */
/*
 * API keys: who may use the API, read from a file that holds no secret. A line has a name, the SHA-256 of
 * the key, and settings of that name:
 *
 *	# team a
 *	alice 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
 *	bob   5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8 rate=20 burst=40 queue=10
 *	ops   6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090 all
 *
 * A name may have several keys, for the time in which a new one takes over from an old one; its settings
 * stand on one of their lines. It is one client: its jobs and its limits are the name's, not the key's.
 *
 * A fast hash is right: a key is 256 random bits, so there is nothing to try out that a slow one would make
 * dearer. Pure data; nothing here does I/O but key_make, which asks for random bytes.
 */
#ifndef API_KEYS_H
#define API_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/bucket.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/sha256.h"

#define KEYS_MAX      10000
#define KEYS_FILE_MAX ((size_t)4 << 20) /* bytes */
#define KEY_NAME_MAX  64
#define KEY_TEXT_LEN  55 /* "cc_" and 52 characters of five bits, 260 bits of which the last four are zero */
#define KEY_LINE_SIZE (KEY_NAME_MAX + SHA256_HEX_SIZE + 200)

/* A name with at least one key. */
struct client {
	char name[KEY_NAME_MAX + 1]; /* letters, digits, '.', '_', '-' */
	char owner[ID_OWNER_SIZE];   /* of its jobs' ids */
	bool has_settings;
	bool all;	       /* sees every job, and the metrics */
	struct rate rate;      /* -1 in each: the server's */
	int64_t queue_percent; /* of the queue; -1: the server's */
	struct bucket bucket;
};

struct key {
	unsigned char digest[SHA256_SIZE];
	size_t client; /* its index */
};

struct key_table {
	struct client *clients; /* ordered by `owner` */
	size_t n_clients;
	struct key *keys;
	size_t n_keys;
};

/* Reads the file's text; a table without keys is one, too. NULL with a sentence that names the line. Errors
 * never show what a line holds: it may be a key that somebody put there by mistake. */
struct key_table *key_table_parse(const char *text, size_t len, struct err *e);
void key_table_free(struct key_table *t); /* NULL is fine */
DEFINE_AUTO(struct key_table, key_table_free)

/* Whose key this is; NULL: nobody's. Takes the same time whichever it is. */
struct client *key_table_find(struct key_table *t, const char *key, size_t len);
/* By the mark of its jobs; NULL when there is none (any more). */
struct client *key_table_client(struct key_table *t, const char *owner);

/* A new key for `name`, and its line without settings and line end. -1 with the reason: the name. */
int key_make(const char *name, char ret_key[KEY_TEXT_LEN + 1], char ret_line[KEY_LINE_SIZE], struct err *e);

#endif
