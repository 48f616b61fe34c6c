/* SPDX-License-Identifier: MIT
 * title: out of the root directory
 * tries: climb above the root, by many "..", by a directory held open, by magic links and by openat2
 * result: root-is-root same
 * result: above same
 * result: held same
 * result: proc-root same
 * result: proc-1-root EACCES|EPERM|ENOENT
 * result: cwd-of-init EACCES|EPERM|ENOENT
 * result: getcwd /box
 * result: escape-in-root ENOENT|EACCES
 */
#include "attack_c.h"
static struct stat root;
static void compare(const char *name, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		report(name, -1);
	else
		say(name, st.st_dev == root.st_dev && st.st_ino == root.st_ino ? "same" : "another");
}
int main(void)
{
	char path[4096] = "", cwd[256] = "?";
	int fd = open(".", O_RDONLY | O_DIRECTORY);

	stat("/", &root);
	getcwd(cwd, sizeof(cwd));
	say("getcwd", cwd);
	compare("root-is-root", "/..");
	for (int i = 0; i < 300; i++)
		strcat(path, "../");
	compare("above", path);
	mkdir("deep", 0700);
	chdir("deep");
	fchdir(fd);
	for (int i = 0; i < 300; i++)
		chdir("..");
	compare("held", ".");
	compare("proc-root", "/proc/self/root");
	TRY("proc-1-root", open("/proc/1/root", O_RDONLY));
	TRY("cwd-of-init", open("/proc/1/cwd", O_RDONLY));
	TRY("escape-in-root", open("/proc/self/root/../../../../root/.ssh", O_RDONLY));
	return 0;
}
