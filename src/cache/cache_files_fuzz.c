/* SPDX-License-Identifier: MIT */
/* A file of the compile cache, whatever lies there under an entry's name: it is an entry, or it is gone. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sha256.h"
#include "cache/files.h"
#include "sandbox/spec_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[CACHE_KEY_SIZE];
static char dir[] = "/tmp/cache-files-fuzz-XXXXXX";
static char path[sizeof(dir) + 1 + SHA256_HEX_SIZE];
static struct cache_files *files;

static void must(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static void leave(void)
{
	cache_files_close(files);
	(void)unlink(path);
	(void)rmdir(dir);
}

static void enter(void)
{
	char name[SHA256_HEX_SIZE];
	struct err e;

	must(mkdtemp(dir) != NULL);
	files = cache_files_open(dir, 1 << 20, &e);
	must(files != NULL);
	sha256_to_hex(key, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)atexit(leave);
}

static void put(const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cache_entry entry;
	struct err e;

	if (!files)
		enter();
	put(data, size);
	if (cache_files_read(files, key, 1, &entry, &e) < 0) {
		must(e.kind == ERR_CORRUPT || e.kind == ERR_NOT_FOUND);
		must(access(path, F_OK) < 0);
		return 0;
	}
	must(entry.out.len + entry.err.len <= size);
	must((entry.exit_code == 0) == (entry.artifacts_fd >= 0));
	must(entry.artifacts_fd < 0 || spec_is_sealed(entry.artifacts_fd));
	cache_entry_done(&entry);
	return 0;
}
