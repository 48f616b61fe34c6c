/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "sandbox/cgroup.h"

static const char *const names[CGROUP_CONTROLLERS] = { "memory", "pids", "cpu", "cpuacct" };

const char *cgroup_controller_name(enum cgroup_controller c)
{
	return names[c];
}

/* Whether `word` is one of the words of `list`, which any of `separators` part. */
static bool has_word(const char *list, const char *separators, const char *word)
{
	size_t len = strlen(word);

	while (*list) {
		size_t n = strcspn(list, separators);

		if (n == len && memcmp(list, word, len) == 0)
			return true;
		list += n;
		list += strspn(list, separators);
	}
	return false;
}

/* Copies the next line, without its end, and returns what follows; NULL at the end of the text. */
static const char *next_line(const char *text, char *line, size_t size)
{
	size_t n = strcspn(text, "\n");

	if (*text == '\0')
		return NULL;
	snprintf(line, size, "%.*s", (int)(n < size ? n : size - 1), text);
	return text + n + (text[n] == '\n');
}

/* The path of our own group in a hierarchy, from /proc/self/cgroup; `controller` NULL means v2. */
static bool own_path(const char *self, const char *controller, char *ret, size_t size)
{
	char line[CGROUP_PATH_MAX + 256];

	while ((self = next_line(self, line, sizeof(line)))) {
		char *list = strchr(line, ':');
		char *path = list ? strchr(list + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		list++;
		if (controller ? has_word(list, ",", controller) : *list == '\0')
			return snprintf(ret, size, "%s", path) < (int)size;
	}
	return false;
}

/* mountinfo writes blanks and backslashes in paths as \ooo. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		unsigned value;

		if (s[0] == '\\' && sscanf(s + 1, "%3o", &value) == 1 && s[1] && s[2] && s[3]) {
			*out++ = (char)value;
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* Where the group `path` of a hierarchy is seen when its directory `root` is mounted on `mount_point`. */
static void place(const char *mount_point, const char *root, const char *path, char *ret, size_t size)
{
	size_t root_len = strcmp(root, "/") == 0 ? 0 : strlen(root);

	/* "/.." leads out of our cgroup namespace: there is a group, but no name for it here. */
	if (strncmp(path, "/..", 3) == 0 || strncmp(path, root, root_len) != 0 ||
	    (path[root_len] != '/' && path[root_len] != '\0'))
		return;
	path += root_len;
	if (strcmp(path, "/") == 0)
		path = "";
	if (snprintf(ret, size, "%s%s", mount_point, path) >= (int)size)
		ret[0] = '\0';
}

static void strip_leaf(char *dir, const char *leaf)
{
	char *last = strrchr(dir, '/');

	if (last && strcmp(last + 1, leaf) == 0)
		*last = '\0';
}

struct mount {
	char root[CGROUP_PATH_MAX];
	char point[CGROUP_PATH_MAX];
	char type[32];
	char options[512];
};

static bool parse_mount(const char *line, struct mount *m)
{
	const char *tail = strstr(line, " - ");

	if (!tail || sscanf(line, "%*s %*s %*s %1023s %1023s", m->root, m->point) != 2 ||
	    sscanf(tail, " - %31s %*s %511s", m->type, m->options) != 2)
		return false;
	unescape(m->root);
	unescape(m->point);
	return true;
}

void cgroup_find(const char *mountinfo, const char *self, const char *leaf, struct cgroup_found *ret)
{
	char line[4096], path[CGROUP_PATH_MAX];
	struct mount m;

	memset(ret, 0, sizeof(*ret));
	/* A later mount hides an earlier one, so the last wins. */
	while ((mountinfo = next_line(mountinfo, line, sizeof(line)))) {
		if (!parse_mount(line, &m))
			continue;
		if (strcmp(m.type, "cgroup2") == 0 && own_path(self, NULL, path, sizeof(path))) {
			place(m.point, m.root, path, ret->v2_dir, sizeof(ret->v2_dir));
			strip_leaf(ret->v2_dir, leaf);
		}
		if (strcmp(m.type, "cgroup") != 0)
			continue;
		for (size_t c = 0; c < CGROUP_CONTROLLERS; c++) {
			if (has_word(m.options, ",", names[c]) &&
			    own_path(self, names[c], path, sizeof(path)))
				place(m.point, m.root, path, ret->v1_dir[c], sizeof(ret->v1_dir[c]));
		}
	}
}

static int add_tree(struct cgroup_layout *l, int version, const char *dir)
{
	struct cgroup_tree *t;

	for (size_t i = 0; i < l->n_trees; i++) {
		if (strcmp(l->trees[i].dir, dir) == 0)
			return (int)i;
	}
	t = &l->trees[l->n_trees++];
	t->version = version;
	snprintf(t->dir, sizeof(t->dir), "%s", dir);
	return (int)(t - l->trees);
}

void cgroup_layout_make(const struct cgroup_found *found, const char *v2_controllers,
			struct cgroup_layout *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t c = 0; c < CGROUP_CONTROLLERS; c++) {
		/* On v2 every group counts CPU time, whatever its controllers. */
		bool in_v2 = found->v2_dir[0] &&
			     (c == CGROUP_CPUACCT || has_word(v2_controllers, " \n", names[c]));

		ret->tree_of[c] = -1;
		if (found->v1_dir[c][0])
			ret->tree_of[c] = add_tree(ret, 1, found->v1_dir[c]);
		else if (in_v2)
			ret->tree_of[c] = add_tree(ret, 2, found->v2_dir);
	}
}

void cgroup_layout_without(struct cgroup_layout *l, uint32_t controllers)
{
	const struct cgroup_layout all = *l;

	l->n_trees = 0;
	for (size_t c = 0; c < CGROUP_CONTROLLERS; c++) {
		const struct cgroup_tree *t = all.tree_of[c] < 0 ? NULL : &all.trees[all.tree_of[c]];

		l->tree_of[c] = t && !(controllers & (1u << c)) ? add_tree(l, t->version, t->dir) : -1;
	}
}

static int read_file(const char *path, struct buf *out, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, ERR_IO, errno, "open %s", path);
	for (;;) {
		void *room = buf_reserve(out, 4096);
		ssize_t n;

		if (!room)
			return err_set(e, ERR_LIMIT, 0, "%s is larger than %zu bytes", path, out->max);
		n = read(fd, room, 4096);
		if (n < 0)
			return err_set(e, ERR_IO, errno, "read %s", path);
		if (n == 0)
			return 0;
		buf_commit(out, (size_t)n);
	}
}

int cgroup_detect(const char *leaf, struct cgroup_layout *ret, struct err *e)
{
	AUTO(buf_done) struct buf mounts, self, controllers;
	char path[CGROUP_PATH_MAX + 32];
	struct cgroup_found found;

	buf_init(&mounts, 8u << 20);
	buf_init(&self, 1u << 20);
	buf_init(&controllers, 1u << 16);
	if (read_file("/proc/self/mountinfo", &mounts, e) < 0 || read_file("/proc/self/cgroup", &self, e) < 0)
		return -1;
	cgroup_find(buf_text(&mounts), buf_text(&self), leaf, &found);
	snprintf(path, sizeof(path), "%s/cgroup.controllers", found.v2_dir);
	/* A tree whose controllers cannot be read has none for us. */
	if (found.v2_dir[0] && read_file(path, &controllers, NULL) < 0)
		buf_clear(&controllers);
	cgroup_layout_make(&found, buf_text(&controllers), ret);
	return 0;
}
