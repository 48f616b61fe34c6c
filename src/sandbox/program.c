/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/inside.h"
#include "sandbox/spec_reader.h"

#define DIR_MAX 1024 /* longer parts of PATH are skipped */

static char *arguments[SPEC_STRINGS_MAX + 1];

/* By the system call itself: glibc keeps signals 32 and 33 for itself, but whoever started us may have left
 * them ignored. All zero is SIG_DFL without flags in the kernel's struct. */
void program_default_signals(void)
{
	static const unsigned long plain[4];
	sigset_t none;

	for (long n = 1; n < _NSIG; n++)
		(void)syscall(SYS_rt_sigaction, n, plain, NULL,
			      8L); /* some cannot be changed, and need not */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int set_oom_score(const char *score)
{
	AUTO_CLOSE int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, score, strlen(score)) < 0 ? -1 : 0;
}

/* Any process may raise its own, but in a user namespace without an id 0 the file of one that cannot be
 * dumped belongs to the root of outside. */
int program_prefer_for_oom(void)
{
	int result = set_oom_score("1000");

	if (result < 0 && errno == EACCES && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0) {
		result = set_oom_score("1000");
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	}
	return result;
}

char **program_arguments(const struct spec_view *v)
{
	char *s = v->argv;

	for (uint32_t i = 0; i < v->head.n_argv; i++) {
		arguments[i] = s;
		s = spec_next_string(s);
	}
	arguments[v->head.n_argv] = NULL;
	return arguments;
}

int program_exec(char **argv, char **envp, const char *path)
{
	char file[DIR_MAX + 1 + SPEC_NAME_MAX + 1];
	int worst = ENOENT;
	size_t len;

	if (strchr(argv[0], '/')) {
		execve(argv[0], argv, envp);
		return errno;
	}
	if (argv[0][0] == '\0' || strlen(argv[0]) > SPEC_NAME_MAX)
		return ENOENT;
	for (; *path; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		if (len == 0 || len > DIR_MAX)
			continue;
		snprintf(file, sizeof(file), "%.*s/%s", (int)len, path, argv[0]);
		execve(file, argv, envp);
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			return errno;
		if (errno == EACCES)
			worst = EACCES;
	}
	return worst;
}
