/* SPDX-License-Identifier: MIT */
#include "cmd/compile_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "sandbox/config.h"

#define HEADERS "headers"

static char *below(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* The data directory is the engine's: what it has put there is taken only if it is a directory of its own. */
static int make_headers(const char *data_dir, const struct account *a, struct err *e)
{
	AUTO_CLOSE int data = open(data_dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int dir = -1;
	bool made = data >= 0 && mkdirat(data, HEADERS, 0711) == 0;
	struct stat st;

	if (!made && errno != EEXIST)
		return err_set(e, ERR_IO, errno, "make %s/" HEADERS, data_dir);
	dir = openat(data, HEADERS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) < 0)
		return err_set(e, ERR_IO, errno, "open %s/" HEADERS, data_dir);
	if (!made && st.st_uid != a->uid)
		return err_set(e, ERR_INVALID, 0, "%s/" HEADERS " is not the engine's", data_dir);
	/* Slots have other users, and find nothing whose name they were not told. */
	if ((made && fchown(dir, a->uid, a->gid) < 0) || fchmod(dir, 0711) < 0)
		return err_set(e, ERR_IO, errno, "prepare %s/" HEADERS, data_dir);
	return 0;
}

static char *prepare_headers(const struct conf *conf, const struct account *account, struct err *e)
{
	AUTO_FREE char *path = below(conf->data_dir, HEADERS);

	if (!path)
		err_set(e, ERR_IO, ENOMEM, "prepare the directory of headers");
	else if (strlen(path) >= sizeof(((struct sandbox_config *)0)->headers))
		err_set(e, ERR_LIMIT, 0, "%s is too long a path", path);
	else if (make_headers(conf->data_dir, account, e) == 0)
		return TAKE(path);
	return NULL;
}

static int prepare(struct compile_dirs *d, const struct conf *conf, const struct account *account,
		   struct err *e)
{
	bool host = strcmp(conf->rootfs, "host") == 0;

	if (data_dir_prepare(conf->data_dir, account, e) < 0)
		return -1;
	/* By root: the engine may not be able to go there by itself. */
	d->rootfs = open(host ? "/" : conf->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->rootfs < 0)
		return 0; /* the spawner will say why */
	if (conf->compile_cache > 0)
		d->cache = below(conf->data_dir, "cache");
	if (conf->precompile) {
		d->headers = prepare_headers(conf, account, e);
		if (!d->headers)
			return -1;
	}
	return 0;
}

void compile_dirs_prepare(struct compile_dirs *d, const struct conf *conf, const struct account *account)
{
	struct err e;

	*d = (struct compile_dirs){ .rootfs = -1 };
	if (conf->compile_cache == 0 && !conf->precompile)
		return;
	if (prepare(d, conf, account, &e) < 0)
		log_warn(NULL, "compiling is slower than it could be: %s", e.msg);
}

void compile_dirs_done(struct compile_dirs *d)
{
	free(d->cache);
	free(d->headers);
	if (d->rootfs >= 0)
		(void)close(d->rootfs);
	*d = (struct compile_dirs){ .rootfs = -1 };
}
