/* SPDX-License-Identifier: MIT */
#include "sandbox/hostile_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/unit.h"
#include "sandbox/spec.h"
#include "sandbox/spec_format.h"

int hostile_sealed_memfd(const void *data, size_t len, int seals)
{
	int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(spec_write_all(fd, data, len), 0);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

int hostile_spec_of(const char *command)
{
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	const char *env[] = { NULL };
	struct spec spec = { .argv = argv, .env = env };
	struct err e;
	int fd = spec_memfd(&spec, &e);

	assert_true(fd >= 0);
	return fd;
}

static int plain_file(void)
{
	char name[] = "/tmp/cc-hostile-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);

	assert_true(fd >= 0);
	(void)unlink(name);
	return fd;
}

static int fifo(int flags)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/tmp/cc-hostile-fifo-%d", getpid());
	(void)unlink(name);
	assert_int_equal(mkfifo(name, 0600), 0);
	fd = open(name, flags | O_CLOEXEC);
	(void)unlink(name);
	return fd;
}

static int link_itself(void)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/tmp/cc-hostile-link-%d", getpid());
	(void)unlink(name);
	assert_int_equal(symlink("/etc/passwd", name), 0);
	fd = open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	(void)unlink(name);
	return fd;
}

static int one_of(int pair[2])
{
	(void)close(pair[1]);
	return pair[0];
}

int hostile_fd(int kind)
{
	int pair[2];

	switch (kind) {
	case 0:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 1:
		return open("/dev/zero", O_RDONLY | O_CLOEXEC);
	case 2:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 3:
		return open("/bin/sh", O_PATH | O_CLOEXEC);
	case 4:
		return open("/bin/sh", O_RDONLY | O_CLOEXEC);
	case 5:
		return link_itself();
	case 6:
		return fifo(O_RDWR); /* nobody ever writes */
	case 7:
		return fifo(O_RDONLY | O_NONBLOCK);
	case 8:
		return pipe2(pair, O_CLOEXEC) == 0 ? one_of(pair) : -1;
	case 9:
		return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 ? one_of(pair) : -1;
	case 10:
		return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	case 11:
		return eventfd(0, EFD_CLOEXEC);
	case 12:
		return epoll_create1(EPOLL_CLOEXEC);
	case 13:
		return (int)syscall(SYS_pidfd_open, getpid(), 0);
	case 14:
		return open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	case 15:
		return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	case 16:
		return plain_file();
	case 17:
		return memfd_create("cannot be sealed", MFD_CLOEXEC);
	case 18:
		return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	case 19:
		return inotify_init1(IN_CLOEXEC);
	default:
		/* Every set of seals but the whole one; the last bit of `kind` - 20 to 15 choose. */
		return hostile_sealed_memfd("x", 1, (kind - 20) & HOSTILE_ALL_SEALS);
	}
}

int hostile_bent_spec(unsigned *seed, uint32_t magic)
{
	int good = hostile_spec_of("echo ran; touch /box/ran"), fd;
	char bytes[4096];
	ssize_t n = pread(good, bytes, sizeof(bytes) - 64, 0);
	struct spec_head *head = (void *)bytes;

	assert_true(n > (ssize_t)sizeof(*head));
	(void)close(good);
	head->magic = magic;
	switch (rand_r(seed) % 8) {
	case 0:
		n = rand_r(seed) % n;
		break;
	case 1:
		head->n_argv = (uint32_t)rand_r(seed) << (rand_r(seed) % 8);
		break;
	case 2:
		head->n_files = (uint32_t)rand_r(seed);
		break;
	case 3:
		head->meta_len = (uint64_t)rand_r(seed) << (rand_r(seed) % 33);
		break;
	case 4:
		head->size = UINT64_MAX - (uint64_t)rand_r(seed) % 100;
		break;
	default:
		for (int i = 0; i < 8; i++)
			bytes[rand_r(seed) % n] = (char)rand_r(seed);
	}
	fd = hostile_sealed_memfd(bytes, (size_t)n, 0);
	/* A size of terabytes, and nothing in it. */
	if (rand_r(seed) % 8 == 0)
		assert_int_equal(ftruncate(fd, (off_t)1 << (30 + rand_r(seed) % 12)), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, HOSTILE_ALL_SEALS), 0);
	return fd;
}

/* Its close(2) waits as long as it says, when it is the last one. */
int hostile_socket_that_lingers(int *ret_peer)
{
	struct linger wait = { .l_onoff = 1, .l_linger = 600 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static char bulk[65536];

	assert_int_equal(bind(listener, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&to, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	*ret_peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(*ret_peer >= 0);
	while (send(fd, bulk, sizeof(bulk), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)), 0);
	(void)close(listener);
	return fd;
}
