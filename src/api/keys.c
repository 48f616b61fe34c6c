/* SPDX-License-Identifier: MIT */
#include "api/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WORDS_MAX  8 /* of a line */
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

struct word {
	const char *at;
	size_t len;
};

struct line {
	int number;
	struct word words[WORDS_MAX];
	size_t n; /* may be more than there is room for */
};

/* ---- words ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void split(const char *at, size_t len, struct line *ret)
{
	const char *end = at + len;

	ret->n = 0;
	while (at < end && *at != '#') {
		const char *begin = at;

		while (at < end && !is_space(*at) && *at != '#')
			at++;
		if (at > begin && ret->n < WORDS_MAX)
			ret->words[ret->n] = (struct word){ begin, (size_t)(at - begin) };
		ret->n += at > begin;
		while (at < end && is_space(*at))
			at++;
	}
}

static bool is_name(const char *text, size_t len)
{
	if (len == 0 || len > KEY_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\0' || !strchr(NAME_CHARS, text[i]))
			return false;
	}
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_digest(const struct word *w, unsigned char ret[SHA256_SIZE])
{
	if (w->len != (size_t)2 * SHA256_SIZE)
		return false;
	for (size_t i = 0; i < SHA256_SIZE; i++) {
		int high = hex_digit(w->at[2 * i]), low = hex_digit(w->at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* Digits, and with `unit` 1000 up to three more behind a dot, in units of 1/unit. -1: something else, or more
 * than max.
 */
static int64_t read_number(const char *at, size_t len, int64_t unit, int64_t max)
{
	int64_t value = 0, left = 1; /* what a digit behind the dot counts; 1: before it */
	size_t digits = 0, i = 0;

	for (; i < len && at[i] >= '0' && at[i] <= '9'; i++, digits++)
		value = value > max ? value : value * 10 + (at[i] - '0') * unit;
	if (i + 1 < len && at[i] == '.' && digits > 0) {
		for (i++, left = unit; i < len && left > 1 && at[i] >= '0' && at[i] <= '9'; i++) {
			left /= 10;
			value += (at[i] - '0') * left;
		}
	}
	return i < len || digits == 0 || value > max ? -1 : value;
}

/* ---- lines ---- */

static int bad(struct err *e, const struct line *l, const char *what)
{
	return err_field(e, ERR_INVALID, "API_KEYS_FILE", "API_KEYS_FILE, line %d: %s", l->number, what);
}

static bool is_setting(const struct word *w, const char *name, struct word *ret_value)
{
	size_t len = strlen(name);

	if (w->len <= len || memcmp(w->at, name, len) != 0)
		return false;
	*ret_value = (struct word){ w->at + len, w->len - len };
	return true;
}

static int read_setting(const struct line *l, const struct word *w, struct client *c, struct err *e)
{
	struct word v;

	if (w->len == 3 && memcmp(w->at, "all", 3) == 0) {
		c->all = true;
	} else if (is_setting(w, "rate=", &v)) {
		c->rate.per_second = read_number(v.at, v.len, 1000, RATE_MAX);
		if (c->rate.per_second < 0)
			return bad(e, l, "rate= takes requests per second, such as 20 or 0.5; 0: no limit");
	} else if (is_setting(w, "burst=", &v)) {
		c->rate.burst = read_number(v.at, v.len, 1, BURST_MAX);
		if (c->rate.burst < 1)
			return bad(e, l, "burst= takes a number of requests, 1 to 1000000");
	} else if (is_setting(w, "queue=", &v)) {
		c->queue_percent = read_number(v.at, v.len, 1, 100);
		if (c->queue_percent < 1)
			return bad(e, l, "queue= takes a part of the queue in percent, 1 to 100");
	} else {
		return bad(e, l, "a setting is one of rate=, burst=, queue= and all");
	}
	c->has_settings = true;
	return 0;
}

/* The client of a line's name, new or known. -1: it is new, and there is no other that may have its mark. */
static struct client *client_of(struct key_table *t, const struct line *l, struct err *e)
{
	struct client *c = &t->clients[t->n_clients];

	*c = (struct client){ .rate = { -1, -1 }, .queue_percent = -1 };
	memcpy(c->name, l->words[0].at, l->words[0].len);
	id_owner_of_name(c->name, c->owner);
	for (size_t i = 0; i < t->n_clients; i++) {
		if (memcmp(t->clients[i].owner, c->owner, ID_OWNER_LEN) != 0)
			continue;
		if (strcmp(t->clients[i].name, c->name) == 0)
			return &t->clients[i];
		/* One chance in 2^40 for a pair of names. */
		bad(e, l, "this name has the same mark as another one; choose another name");
		return NULL;
	}
	t->n_clients++;
	return c;
}

static int read_line(struct key_table *t, const struct line *l, struct err *e)
{
	struct key *k = &t->keys[t->n_keys];
	struct client *c;

	if (l->n < 2 || l->n > WORDS_MAX || !is_name(l->words[0].at, l->words[0].len))
		return bad(e, l,
			   "a line is a name of letters, digits, '.', '_' and '-', the SHA-256 of a key, and "
			   "settings (codecrusher key NAME makes one)");
	if (!read_digest(&l->words[1], k->digest))
		return bad(e, l,
			   "the second word must be the SHA-256 of a key, 64 lower-case hexadecimal digits "
			   "(codecrusher key NAME prints the line); a key itself does not belong here");
	for (size_t i = 0; i < t->n_keys; i++) {
		if (memcmp(t->keys[i].digest, k->digest, SHA256_SIZE) == 0)
			return bad(e, l, "this key has a line already");
	}
	c = client_of(t, l, e);
	if (!c)
		return -1;
	if (l->n > 2 && c->has_settings)
		return bad(e, l, "this name has settings on another line already; put them all on one");
	for (size_t i = 2; i < l->n; i++) {
		if (read_setting(l, &l->words[i], c, e) < 0)
			return -1;
	}
	k->client = (size_t)(c - t->clients);
	t->n_keys++;
	return 0;
}

/* ---- the table ---- */

static int by_owner(const void *a, const void *b)
{
	return memcmp(((const struct client *)a)->owner, ((const struct client *)b)->owner, ID_OWNER_LEN);
}

/* Orders the clients; keys name theirs by index, so they are told where it went. */
static int order(struct key_table *t)
{
	AUTO_FREE char(*owners)[ID_OWNER_SIZE] = calloc(t->n_clients + 1, sizeof(*owners));

	if (!owners)
		return -1;
	for (size_t i = 0; i < t->n_clients; i++)
		memcpy(owners[i], t->clients[i].owner, ID_OWNER_SIZE);
	qsort(t->clients, t->n_clients, sizeof(t->clients[0]), by_owner);
	for (size_t i = 0; i < t->n_keys; i++)
		t->keys[i].client = (size_t)(key_table_client(t, owners[t->keys[i].client]) - t->clients);
	return 0;
}

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static int read_lines(struct key_table *t, size_t room, const char *text, size_t len, struct err *e)
{
	const char *end = text + len;
	struct line l = { .number = 0 };

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		stop = stop ? stop : end;
		l.number++;
		split(text, (size_t)(stop - text), &l);
		if (l.n > 0 && t->n_keys == room)
			return bad(e, &l, "there are more than 10000 keys");
		if (l.n > 0 && read_line(t, &l, e) < 0)
			return -1;
		text = stop + 1;
	}
	return 0;
}

struct key_table *key_table_parse(const char *text, size_t len, struct err *e)
{
	AUTO(key_table_free_p) struct key_table *t = calloc(1, sizeof(*t));
	size_t room = count_lines(text, len);

	if (room > KEYS_MAX)
		room = KEYS_MAX;
	if (t) {
		t->clients = calloc(room + 1, sizeof(*t->clients));
		t->keys = calloc(room + 1, sizeof(*t->keys));
	}
	if (!t || !t->clients || !t->keys) {
		err_set(e, ERR_IO, ENOMEM, "read the API keys");
		return NULL;
	}
	if (read_lines(t, room, text, len, e) < 0)
		return NULL;
	if (order(t) < 0) {
		err_set(e, ERR_IO, ENOMEM, "read the API keys");
		return NULL;
	}
	return TAKE(t);
}

void key_table_free(struct key_table *t)
{
	if (!t)
		return;
	free(t->clients);
	free(t->keys);
	free(t);
}

/* 0 when equal; every byte is looked at. */
static unsigned differs(const unsigned char *a, const unsigned char *b)
{
	unsigned any = 0;

	for (size_t i = 0; i < SHA256_SIZE; i++)
		any |= (unsigned)(a[i] ^ b[i]);
	return any;
}

struct client *key_table_find(struct key_table *t, const char *key, size_t len)
{
	unsigned char digest[SHA256_SIZE];
	struct client *found = NULL;

	sha256(key, len, digest);
	/* To the end in any case: how long it takes says nothing about which it was. */
	for (size_t i = 0; i < t->n_keys; i++) {
		if (differs(t->keys[i].digest, digest) == 0)
			found = &t->clients[t->keys[i].client];
	}
	return found;
}

static int compare_owner(const void *owner, const void *client)
{
	return memcmp(owner, ((const struct client *)client)->owner, ID_OWNER_LEN);
}

struct client *key_table_client(struct key_table *t, const char *owner)
{
	if (strlen(owner) != ID_OWNER_LEN || t->n_clients == 0)
		return NULL;
	return bsearch(owner, t->clients, t->n_clients, sizeof(t->clients[0]), compare_owner);
}

/* ---- making ---- */

static void write_key(const unsigned char random[32], char ret[KEY_TEXT_LEN + 1])
{
	static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
	char *to = ret;
	unsigned acc = 0, have = 0;
	size_t in = 0;

	*to++ = 'c';
	*to++ = 'c';
	*to++ = '_';
	while (to < ret + KEY_TEXT_LEN) {
		if (have < 5) {
			acc = (acc << 8 | (in < 32 ? random[in] : 0)) & 0xffff;
			in++;
			have += 8;
		}
		have -= 5;
		*to++ = alphabet[acc >> have & 31];
	}
	*to = '\0';
}

int key_make(const char *name, char ret_key[KEY_TEXT_LEN + 1], char ret_line[KEY_LINE_SIZE], struct err *e)
{
	unsigned char random[32], digest[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];

	if (!is_name(name, strlen(name)))
		return err_set(
			e, ERR_INVALID, 0,
			"the name of a key is made of letters, digits, '.', '_' and '-', at most %d of them",
			KEY_NAME_MAX);
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_set(e, ERR_IO, errno, "get random bytes");
	write_key(random, ret_key);
	sha256(ret_key, KEY_TEXT_LEN, digest);
	sha256_to_hex(digest, hex);
	snprintf(ret_line, KEY_LINE_SIZE, "%s %s", name, hex);
	return 0;
}
