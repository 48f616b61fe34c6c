/* SPDX-License-Identifier: MIT */
#include "sandbox/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#define TEXT_MAX 16384

/*
 * What a program could leave behind. Sockets die with their last descriptor; "used" counts them, also those
 * that wait in other sockets' queues. Whatever has been sent, even to itself or to nobody, is counted in dev,
 * snmp, netstat and snmp6, and so are connections, of which TCP remembers something for a minute. Memberships
 * have a delayed effect, but no program can get one (seccomp_profile.c); the lists are held against it.
 */
static const struct {
	const char *name;
	bool first_line; /* the rest counts the whole machine */
} looked_at[] = {
	{ "sockstat", true }, { "dev", false },	 { "snmp", false },  { "netstat", false },
	{ "snmp6", false },   { "igmp", false }, { "igmp6", false }, { "ip6_flowlabel", false },
};

#define N_LOOKED_AT (sizeof(looked_at) / sizeof(looked_at[0]))

struct netns_audit {
	int home; /* the namespace of this process */
	int dir;  /* /proc/self/net, which shows the namespace that this process is in when it looks */
	char fresh[TEXT_MAX];
	size_t fresh_len;
	char seen[TEXT_MAX];
};

static int loopback_up(struct err *e)
{
	AUTO_CLOSE int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		return err_set(e, ERR_IO, errno, "bring loopback up");
	return 0;
}

int netns_new(struct err *e)
{
	if (unshare(CLONE_NEWNET) < 0)
		return err_set(e, ERR_IO, errno, "make a network namespace");
	return loopback_up(e);
}

bool netns_is_one(int fd)
{
	return ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

/* Appends the file to text[*len], cut after its first line if that is all that counts. A kernel without the
 * file (IPv6 may be off) has nothing to hide in it. */
static bool append(const struct netns_audit *a, size_t i, char text[TEXT_MAX], size_t *len)
{
	AUTO_CLOSE int fd = openat(a->dir, looked_at[i].name, O_RDONLY | O_CLOEXEC);
	char *begin = text + *len, *newline;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT;
	while ((n = read(fd, text + *len, TEXT_MAX - *len)) > 0)
		*len += (size_t)n;
	newline = looked_at[i].first_line ? memchr(begin, '\n', (size_t)(text + *len - begin)) : NULL;
	if (newline)
		*len = (size_t)(newline - text);
	return n == 0 && *len < TEXT_MAX;
}

static bool look(const struct netns_audit *a, char text[TEXT_MAX], size_t *ret_len)
{
	*ret_len = 0;
	for (size_t i = 0; i < N_LOOKED_AT; i++) {
		if (!append(a, i, text, ret_len))
			return false;
	}
	return true;
}

/* A procfs of our own: the spawner's root file system shows none. */
static int open_proc_net(void)
{
	AUTO_CLOSE int context = fsopen("proc", FSOPEN_CLOEXEC);
	AUTO_CLOSE int mount = -1;

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	mount = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return mount < 0 ? -1 : openat(mount, "self/net", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct netns_audit *netns_audit_new(void)
{
	struct netns_audit *a = calloc(1, sizeof(*a));
	struct err e;

	if (!a)
		return NULL;
	a->home = -1;
	a->dir = open_proc_net();
	if (a->dir >= 0 && netns_new(&e) == 0)
		a->home = openat(a->dir, "../ns/net", O_RDONLY | O_CLOEXEC);
	if (a->home >= 0 && look(a, a->fresh, &a->fresh_len))
		return a;
	if (a->dir >= 0)
		(void)close(a->dir);
	if (a->home >= 0)
		(void)close(a->home);
	free(a);
	return NULL;
}

bool netns_is_untouched(struct netns_audit *a, int fd)
{
	bool same;
	size_t len;

	if (!a || setns(fd, CLONE_NEWNET) < 0)
		return false;
	same = look(a, a->seen, &len) && len == a->fresh_len && memcmp(a->seen, a->fresh, len) == 0;
	/* Where we stand lives on. */
	(void)setns(a->home, CLONE_NEWNET);
	return same;
}
