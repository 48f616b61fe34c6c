/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/beneath.h"
#include "sandbox/inside.h"

static char bytes[SANDBOX_WARM_SOURCE_MAX];

/* All of it before the first byte is handed on: a program may change its own file while it is being read. */
int feed_load(struct feed *f, int box, const char *source)
{
	AUTO_CLOSE int fd = open_beneath(box, source, O_RDONLY, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)sizeof(bytes)) {
		errno = EFBIG;
		return -1;
	}
	f->len = (size_t)st.st_size;
	for (size_t have = 0; have < f->len;) {
		ssize_t n = read(fd, bytes + have, f->len - have);

		if (n <= 0) {
			errno = n < 0 ? errno : EIO;
			return -1;
		}
		have += (size_t)n;
	}
	return 0;
}

bool feed_pump(struct feed *f)
{
	while (f->done < f->len) {
		ssize_t n = write(f->fifo, bytes + f->done, f->len - f->done);

		if (n < 0 && errno == EAGAIN)
			return false;
		if (n <= 0)
			break;
		f->done += (size_t)n;
	}
	(void)close(f->fifo);
	f->fifo = -1;
	return true;
}

bool feed_is_untouched(const struct feed *f)
{
	int left;

	return ioctl(f->unread, FIONREAD, &left) == 0 && (size_t)left == f->done;
}
