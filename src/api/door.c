/* SPDX-License-Identifier: MIT */
#include "api/door.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/keys.h"
#include "base/clock.h"
#include "conf/conf.h"

_Static_assert(ID_OWNER_SIZE <= HTTP_WHO_SIZE, "a mark is what a request carries");

enum refusal { NO_KEY, UNKNOWN_KEY, NOT_ALLOWED, KEY_RATE, ADDRESS_RATE, QUEUE_SHARE, REFUSAL_COUNT };
static const char *const refusal_names[REFUSAL_COUNT] = {
	"no_key", "unknown_key", "not_allowed", "key_rate", "address_rate", "queue_share",
};

struct door {
	struct rate key_rate, address_rate;
	int64_t max_queue;
	int64_t queue_percent;
	struct key_table *keys;		/* NULL: nobody is asked */
	struct bucket_table *addresses; /* NULL: no limit */
	int64_t refused[REFUSAL_COUNT];
};

struct door *door_new(const struct conf *c)
{
	struct door *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->key_rate = (struct rate){ c->key_rate_millis, c->key_burst };
	d->address_rate = (struct rate){ c->address_rate_millis, c->address_burst };
	d->max_queue = c->max_queue;
	d->queue_percent = c->key_queue_percent;
	if (d->address_rate.per_second > 0) {
		d->addresses = bucket_table_new();
		if (!d->addresses) {
			door_free(d);
			return NULL;
		}
	}
	return d;
}

void door_free(struct door *d)
{
	if (!d)
		return;
	bucket_table_free(d->addresses);
	key_table_free(d->keys);
	free(d);
}

/* ---- the file ---- */

static int read_all(int fd, struct buf *ret, struct err *e)
{
	off_t at = 0;

	for (;;) {
		char piece[65536];
		ssize_t n = pread(fd, piece, sizeof(piece), at);

		if (n < 0)
			return err_set(e, ERR_IO, errno, "read API_KEYS_FILE");
		if (n == 0)
			return 0;
		if (!buf_add(ret, piece, (size_t)n))
			return err_field(e, ERR_LIMIT, "API_KEYS_FILE", "API_KEYS_FILE is larger than 4 MiB");
		at += n;
	}
}

int door_read_keys(struct door *d, int fd, size_t *ret_n, struct err *e)
{
	AUTO(buf_done) struct buf text = { 0 };
	struct key_table *fresh;

	buf_init(&text, KEYS_FILE_MAX);
	if (read_all(fd, &text, e) < 0)
		return -1;
	fresh = key_table_parse(buf_text(&text), text.len, e);
	if (!fresh)
		return -1;
	for (size_t i = 0; d->keys && i < fresh->n_clients; i++) {
		const struct client *before = key_table_client(d->keys, fresh->clients[i].owner);

		if (before)
			fresh->clients[i].bucket = before->bucket;
	}
	key_table_free(d->keys);
	d->keys = fresh;
	if (ret_n)
		*ret_n = fresh->n_keys;
	return 0;
}

/* ---- coming in ---- */

static bool turn_away(struct door *d, enum refusal why, struct http_turn_away *ret, int status,
		      const char *sentence)
{
	d->refused[why]++;
	*ret = (struct http_turn_away){ .status = status,
					.sentence = sentence,
					.challenge = status == 401 ? "Bearer" : NULL };
	return false;
}

/* Full seconds, at least one. */
static bool slow_down(struct door *d, enum refusal why, struct http_turn_away *ret, int64_t wait_ms,
		      const char *sentence)
{
	(void)turn_away(d, why, ret, 429, sentence);
	ret->retry_after_s = (wait_ms + 999) / 1000;
	return false;
}

/* The key of "Authorization: Bearer <key>" (RFC 6750 §2.1). */
static bool find_key(const struct http_head *h, struct http_text *ret)
{
	struct http_text v, scheme;

	if (!http_head_field(h, "Authorization", &v) || v.len < 7)
		return false;
	scheme = (struct http_text){ v.data, 6 };
	if (!http_text_is(scheme, "Bearer") || v.data[6] != ' ')
		return false;
	v.data += 7;
	v.len -= 7;
	while (v.len > 0 && v.data[0] == ' ') {
		v.data++;
		v.len--;
	}
	*ret = v;
	return v.len > 0;
}

static struct rate rate_of(const struct door *d, const struct client *c)
{
	struct rate r = d->key_rate;

	if (c->rate.per_second >= 0)
		r.per_second = c->rate.per_second;
	if (c->rate.burst >= 0)
		r.burst = c->rate.burst;
	return r;
}

static bool admit_client(struct door *d, struct client *c, int access, struct http_turn_away *ret_answer,
			 int64_t now)
{
	const struct rate r = rate_of(d, c);
	int64_t wait_ms = bucket_take(&c->bucket, &r, now);

	if (wait_ms > 0)
		return slow_down(d, KEY_RATE, ret_answer, wait_ms,
				 "This key sends more requests than it may; wait a moment.");
	if (access == ACCESS_ALL && !c->all)
		return turn_away(d, NOT_ALLOWED, ret_answer, 403,
				 "This key may not see this: only one whose line in API_KEYS_FILE says all.");
	return true;
}

bool door_admit(const struct http_arrival *in, char ret_who[HTTP_WHO_SIZE], struct http_turn_away *ret_answer,
		void *door)
{
	struct door *d = door;
	int access = in->route ? in->route->access : ACCESS_FREE;
	int64_t now = clock_mono_ms(), wait_ms;
	struct http_text key;
	struct client *c;

	wait_ms = d->addresses ? bucket_table_take(d->addresses, in->address, &d->address_rate, now) : 0;
	if (wait_ms > 0)
		return slow_down(d, ADDRESS_RATE, ret_answer, wait_ms,
				 "Your address sends more requests than this server takes; wait a moment.");
	if (!d->keys || access == ACCESS_FREE)
		return true;
	if (!find_key(in->head, &key))
		return turn_away(d, NO_KEY, ret_answer, 401,
				 "This server asks for a key: send it as Authorization: Bearer <key>.");
	c = key_table_find(d->keys, key.data, key.len);
	if (!c)
		return turn_away(d, UNKNOWN_KEY, ret_answer, 401, "This server does not know this key.");
	if (!admit_client(d, c, access, ret_answer, now))
		return false;
	memcpy(ret_who, c->owner, ID_OWNER_SIZE);
	return true;
}

/* ---- whose is what ---- */

bool door_owns(struct door *d, const char *who, const char *id)
{
	const struct client *c;

	if (!d || !d->keys)
		return true;
	if (who[0] && strcmp(id_owner(id), who) == 0)
		return true;
	c = key_table_client(d->keys, who);
	return c && c->all;
}

int64_t door_queue_share(struct door *d, const char *who)
{
	const struct client *c = d && d->keys ? key_table_client(d->keys, who) : NULL;
	int64_t percent, share;

	if (!c)
		return 0;
	percent = c->queue_percent > 0 ? c->queue_percent : d->queue_percent;
	share = d->max_queue * percent / 100;
	return share > 0 ? share : 1;
}

void door_count_share(struct door *d)
{
	if (d)
		d->refused[QUEUE_SHARE]++;
}

void door_add_metrics(const struct door *d, struct buf *out)
{
	(void)buf_add_str(
		out,
		"# HELP codecrusher_requests_turned_away_total Requests refused at the door, by reason.\n"
		"# TYPE codecrusher_requests_turned_away_total counter\n");
	for (int i = 0; i < REFUSAL_COUNT; i++)
		(void)buf_printf(out, "codecrusher_requests_turned_away_total{reason=\"%s\"} %" PRId64 "\n",
				 refusal_names[i], d ? d->refused[i] : 0);
}
