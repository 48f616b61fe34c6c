/* SPDX-License-Identifier: MIT */
#include "cmd/keys_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"

int keys_file_open(const char *path, struct err *e)
{
	/* Not blocking, so that a FIFO there cannot hold anybody up. */
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, ERR_IO, errno, "API_KEYS_FILE: open %s", path);
	if (!S_ISREG(st.st_mode))
		return err_field(e, ERR_INVALID, "API_KEYS_FILE", "API_KEYS_FILE: %s is not a regular file",
				 path);
	if (st.st_mode & S_IWOTH)
		return err_field(
			e, ERR_INVALID, "API_KEYS_FILE",
			"API_KEYS_FILE: everybody may write to %s, and so let himself in: chmod o-w it",
			path);
	return TAKE_FD(fd);
}
