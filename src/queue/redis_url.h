/* SPDX-License-Identifier: MIT */
/* redis://[[user]:password@]host[:port][/database], as the IANA registration of the scheme has it. */
#ifndef QUEUE_REDIS_URL_H
#define QUEUE_REDIS_URL_H

#include "base/err.h"

struct redis_url {
	char host[256];
	int port;
	char user[128];	    /* "": none */
	char password[512]; /* "": none */
	int database;
};

/* -1 with a sentence (which never shows the password) for anything else: TLS, several hosts, options. */
int redis_url_parse(const char *text, struct redis_url *ret, struct err *e);

#endif
