/* SPDX-License-Identifier: MIT */
#include "cmd/rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cmd/privileges.h"
#include "sandbox/instance.h"

/* A spawner takes the upper half of the range. */
#define RANGE_MIN   (2 * INSTANCE_UIDS)
#define RANGE_MAX   1048576u

#define SUB_IDS_MAX ((size_t)1 << 20)

/* ---- who may give away what ---- */

static bool is_owner(const char *owner, size_t len, const char *name, uid_t uid)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", uid);
	return (name && strlen(name) == len && !memcmp(owner, name, len)) ||
	       (strlen(number) == len && !memcmp(owner, number, len));
}

bool rootless_parse(const char *text, const char *name, uid_t uid, struct id_range *ret)
{
	*ret = (struct id_range){ 0 };
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		size_t owner = strcspn(text, ":\n");
		uint64_t first, count;

		if (text[owner] != ':' ||
		    sscanf(text + owner, ":%" SCNu64 ":%" SCNu64, &first, &count) != 2 ||
		    !is_owner(text, owner, name, uid))
			continue;
		if (first > 0 && first < UINT32_MAX && count <= UINT32_MAX - first && count > ret->count)
			*ret = (struct id_range){ (uint32_t)first, (uint32_t)count };
	}
	return ret->count > 0;
}

static bool read_range(const char *path, const char *name, uid_t uid, struct id_range *ret)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO(buf_done) struct buf text = { 0 };
	ssize_t n = 1;

	buf_init(&text, SUB_IDS_MAX);
	while (fd >= 0 && n > 0) {
		void *room = buf_reserve(&text, 4096);

		n = room ? read(fd, room, 4096) : -1;
		if (n > 0)
			buf_commit(&text, (size_t)n);
	}
	if (fd < 0 || n < 0 || !rootless_parse(buf_text(&text), name, uid, ret))
		return false;
	if (ret->count > RANGE_MAX)
		ret->count = RANGE_MAX;
	return ret->count >= RANGE_MIN;
}

/* Only where nobody but root can put one: they run with root's power to map ids. */
static const char *find_program(const char *name, char ret[PATH_MAX])
{
	static const char *const places[] = { "/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(ret, PATH_MAX, "%s/%s", places[i], name);
		if (access(ret, X_OK) == 0)
			return ret;
	}
	return NULL;
}

/* With no_new_privs, which service managers set, a setuid program is one no more. */
static bool can_map_ranges(void)
{
	char path[PATH_MAX];

	return find_program("newuidmap", path) && find_program("newgidmap", path) &&
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0;
}

void rootless_find(struct rootless *ret)
{
	const struct passwd *pw;

	*ret = (struct rootless){ .ids = SANDBOX_IDS_ROOT };
	if (geteuid() == 0)
		return;
	pw = getpwuid(geteuid());
	if (can_map_ranges() && read_range("/etc/subuid", pw ? pw->pw_name : NULL, geteuid(), &ret->uids) &&
	    read_range("/etc/subgid", pw ? pw->pw_name : NULL, geteuid(), &ret->gids))
		ret->ids = SANDBOX_IDS_RANGE;
	else
		ret->ids = SANDBOX_IDS_ONE;
}

/* ---- entering ---- */

static int write_file(const char *path, const char *text, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_set(e, ERR_UNSUPPORTED, errno, "write %s", path);
	return 0;
}

/* Not as uid 0: programs in the slots are this user, and should not take themselves for root. */
static int map_one(uid_t uid, gid_t gid, struct err *e)
{
	char map[64];

	/* Who cannot drop a group may not be able to; see user_namespaces(7). */
	if (write_file("/proc/self/setgroups", "deny", e) < 0)
		return -1;
	snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	if (write_file("/proc/self/uid_map", map, e) < 0)
		return -1;
	snprintf(map, sizeof(map), "%u %u 1\n", uid, gid);
	return write_file("/proc/self/gid_map", map, e);
}

/* The namespace's root has its capabilities back after execve, any other id only those that are ambient. */
static int keep_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return err_set(e, ERR_IO, errno, "read the capabilities");
	for (size_t i = 0; i < 2; i++)
		data[i].inheritable = data[i].permitted;
	if (syscall(SYS_capset, &head, data) < 0)
		return err_set(e, ERR_IO, errno, "set the capabilities");
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return err_set(e, ERR_IO, errno, "keep capability %lu", cap);
	}
	return 0;
}

/* newuidmap PID 0 OWN 1 1 FIRST COUNT. The exit status is 0 or 1. */
static int run_mapper(const char *name, pid_t target, unsigned own, const struct id_range *range)
{
	char path[PATH_MAX], pid[16], id[16], first[16], count[16];
	const char *const argv[] = { name, pid, "0", id, "1", "1", first, count, NULL };
	char *const no_env[] = { NULL };
	int status = 0;
	pid_t child;

	snprintf(pid, sizeof(pid), "%d", (int)target);
	snprintf(id, sizeof(id), "%u", own);
	snprintf(first, sizeof(first), "%u", range->first);
	snprintf(count, sizeof(count), "%u", range->count);
	child = find_program(name, path) ? fork() : -1;
	if (child == 0) {
		execve(path, (char **)argv, no_env);
		_exit(1);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

/* A process that stays outside, where the maps are written from. It begins when a byte comes. */
static pid_t fork_mapper(const struct rootless *r, int begin, int other_end)
{
	const pid_t target = getpid();
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	pid_t pid = fork();
	char byte;

	if (pid != 0)
		return pid;
	(void)close(other_end);
	if (read(begin, &byte, 1) != 1)
		_exit(1);
	_exit(run_mapper("newuidmap", target, uid, &r->uids) ||
	      run_mapper("newgidmap", target, gid, &r->gids));
}

static int unshare_or_say(int flag, const char *what, struct err *e)
{
	if (unshare(flag) == 0)
		return 0;
	return err_set(
		e, ERR_UNSUPPORTED, errno,
		"an ordinary user cannot make %s here (look at the sysctls user.max_user_namespaces, "
		"kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns, or "
		"start as root)",
		what);
}

static int new_namespace(struct err *e)
{
	return unshare_or_say(CLONE_NEWUSER, "a user namespace", e);
}

static int enter_range(const struct rootless *r, struct err *e)
{
	int ends[2], status = 0;
	bool told;
	pid_t mapper;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(e, ERR_IO, errno, "make a pipe");
	mapper = fork_mapper(r, ends[0], ends[1]);
	(void)close(ends[0]);
	if (mapper < 0 || new_namespace(e) < 0) {
		(void)close(ends[1]); /* the mapper sees the end, and ends */
		return mapper < 0 ? err_set(e, ERR_IO, errno, "fork") : -1;
	}
	told = write(ends[1], "", 1) == 1;
	(void)close(ends[1]);
	if (waitpid(mapper, &status, 0) < 0 || !told || status != 0)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"newuidmap and newgidmap could not map the ids %u to %u of /etc/subuid (are they "
			"setuid, or do they have their file capabilities?)",
			r->uids.first, r->uids.first + r->uids.count - 1);
	return 0;
}

static int enter_one(struct err *e)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (new_namespace(e) < 0 || map_one(uid, gid, e) < 0)
		return -1;
	return keep_capabilities(e);
}

int rootless_enter(const struct rootless *r, struct err *e)
{
	if (r->ids == SANDBOX_IDS_ROOT)
		return 0;
	if ((r->ids == SANDBOX_IDS_RANGE ? enter_range(r, e) : enter_one(e)) < 0)
		return -1;
	/* Mounts, even detached ones, can be made only by who has power over the mount namespace. */
	return unshare_or_say(CLONE_NEWNS, "a mount namespace", e);
}

/* ---- places ---- */

/* Writable, or can be made. */
static bool is_usable(const char *path)
{
	char parent[PATH_MAX];
	char *slash;

	if (access(path, W_OK | X_OK) == 0)
		return true;
	if (errno != ENOENT)
		return false;
	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash && slash > parent)
		*slash = '\0';
	return access(parent, W_OK | X_OK) == 0;
}

static int replace(char **setting, const char *dir, const char *below)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, below) < 0)
		return -1;
	free(*setting);
	*setting = path;
	return 0;
}

static int adapt_data_dir(struct conf *conf, struct err *e)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	const struct passwd *pw = getpwuid(geteuid());
	int result;

	if (!home || home[0] != '/')
		home = pw ? pw->pw_dir : NULL;
	if (state && state[0] == '/')
		result = replace(&conf->data_dir, state, "codecrusher");
	else if (home)
		result = replace(&conf->data_dir, home, ".local/state/codecrusher");
	else
		return err_field(
			e, ERR_INVALID, "DATA_DIR",
			"set CODECRUSHER_DATA_DIR: user %u cannot write the default, and has no home",
			geteuid());
	return result < 0 ? err_set(e, ERR_IO, ENOMEM, "find a data directory") : 0;
}

static int adapt_run_dir(struct conf *conf, struct err *e)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	bool given = runtime && runtime[0] == '/';

	if (replace(&conf->run_dir, given ? runtime : conf->data_dir, given ? "codecrusher" : "run") < 0)
		return err_set(e, ERR_IO, ENOMEM, "find a run directory");
	return 0;
}

int rootless_adapt(struct conf *conf, struct err *e)
{
	if (geteuid() == 0)
		return 0;
	if (strcmp(conf->data_dir, CONF_DATA_DIR) == 0 && !is_usable(conf->data_dir) &&
	    adapt_data_dir(conf, e) < 0)
		return -1;
	if (strcmp(conf->run_dir, CONF_RUN_DIR) == 0 && !is_usable(conf->run_dir))
		return adapt_run_dir(conf, e);
	return 0;
}
