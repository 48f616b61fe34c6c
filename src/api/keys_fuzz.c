/* SPDX-License-Identifier: MIT */
/* API_KEYS_FILE, and what a client sends as a key: the table is whole, and only a line's own key opens. */
#include <stdint.h>
#include <string.h>

#include "api/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static void check_client(struct key_table *t, const struct client *c)
{
	char owner[ID_OWNER_SIZE];

	must(c->name[0] && strlen(c->name) <= KEY_NAME_MAX);
	id_owner_of_name(c->name, owner);
	must(strcmp(owner, c->owner) == 0);
	must(key_table_client(t, owner) == c);
	must(c->rate.per_second >= -1 && c->rate.per_second <= RATE_MAX);
	must(c->rate.burst == -1 || (c->rate.burst >= 1 && c->rate.burst <= BURST_MAX));
	must(c->queue_percent == -1 || (c->queue_percent >= 1 && c->queue_percent <= 100));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	AUTO(key_table_free_p) struct key_table *t = key_table_parse((const char *)data, size, &e);

	if (!t) {
		must(e.kind == ERR_INVALID && strstr(e.msg, "line "));
		return 0;
	}
	must(t->n_clients <= t->n_keys && t->n_keys <= KEYS_MAX);
	for (size_t i = 0; i < t->n_clients; i++)
		check_client(t, &t->clients[i]);
	for (size_t i = 0; i < t->n_keys; i++)
		must(t->keys[i].client < t->n_clients);
	/* Nobody gets in with the file, or a part of it: finding one would be a preimage of SHA-256. */
	must(!key_table_find(t, (const char *)data, size));
	return 0;
}
