/* SPDX-License-Identifier: MIT */
#include "bare.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/codecrusher-bench-XXXXXX";

void bare_enter_directory(void)
{
	if (!mkdtemp(directory) || chdir(directory) != 0)
		err(1, "make a directory for the baseline");
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1); /* posix_spawnp searches the parent's */
}

void bare_write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	if (!f || fputs(text, f) == EOF || fclose(f) != 0)
		err(1, "write %s", name);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void bare_cleanup(void)
{
	if (chdir("/") == 0)
		(void)nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void read_to_end(int fd, char *out, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used < size - 1 && (n = read(fd, out + used, size - 1 - used)) > 0)
		used += (size_t)n;
	out[used] = '\0';
}

void bare_run(const char *const *argv, const char *expect)
{
	static char *const env[] = { "HOME=/tmp", "TMPDIR=/tmp", "PATH=/usr/local/bin:/usr/bin:/bin",
				     "LANG=C.UTF-8", NULL };
	posix_spawn_file_actions_t actions;
	char out[4096];
	int pipes[2], status;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		err(1, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
	errno = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(const void *)argv, env);
	if (errno)
		err(1, "spawn %s", argv[0]);
	close(pipes[1]);
	read_to_end(pipes[0], out, sizeof(out));
	close(pipes[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0 || strcmp(out, expect) != 0)
		errx(1, "%s ended with status %d and printed \"%s\"", argv[0], status, out);
	posix_spawn_file_actions_destroy(&actions);
}
