/* SPDX-License-Identifier: MIT */
/* key: a new API key, shown once, and the line of API_KEYS_FILE that lets it in. */
#include <stdio.h>

#include "api/keys.h"
#include "base/buf.h"
#include "cmd/cmd.h"

/* The line with its settings, checked as the server will read it. */
static int add_settings(struct buf *line, int argc, char *argv[], struct err *e)
{
	AUTO(key_table_free_p) struct key_table *t = NULL;

	for (int i = 0; i < argc; i++) {
		if (!buf_printf(line, " %s", argv[i]))
			return err_set(e, ERR_LIMIT, 0, "these are too many settings");
	}
	t = key_table_parse(buf_text(line), line->len, e);
	if (!t)
		return -1;
	return t->n_keys == 1
		       ? 0
		       : err_set(e, ERR_INVALID, 0, "a setting is one of rate=, burst=, queue= and all");
}

int cmd_key(int argc, char *argv[])
{
	char key[KEY_TEXT_LEN + 1], line[KEY_LINE_SIZE];
	AUTO(buf_done) struct buf whole;
	struct err e;

	buf_init(&whole, 4096);
	if (argc < 1)
		return cmd_fail(EXIT_CODE_USAGE,
				"key needs a name for its owner: codecrusher key NAME [SETTING...]");
	if (key_make(argv[0], key, line, &e) < 0)
		return cmd_fail(e.kind == ERR_INVALID ? EXIT_CODE_USAGE : EXIT_CODE_FAILED, "%s", e.msg);
	(void)buf_add_str(&whole, line);
	if (add_settings(&whole, argc - 1, argv + 1, &e) < 0)
		return cmd_fail(EXIT_CODE_USAGE, "%s", e.msg);
	printf("key:  %s\nline: %s\n", key, buf_text(&whole));
	return EXIT_CODE_OK;
}
