/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/probe_items.h"

static void check_version(struct probe *p)
{
	struct utsname u;
	int major = 0, minor = 0;

	(void)uname(&u);
	(void)sscanf(u.release, "%d.%d", &major, &minor);
	probe_need(p, "kernel", major > 6 || (major == 6 && minor >= 1), u.release,
		   "Linux 6.1 or newer is needed: update the host's kernel");
}

/* Tries it in a child, so that nothing of us changes. Returns its errno. */
static int try_unshare(int flag)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(flag) == 0 ? 0 : errno & 0xff);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return EAGAIN;
	return WEXITSTATUS(status);
}

static void check_namespaces(struct probe *p)
{
	static const struct {
		const char *name;
		int flag;
	} kinds[] = {
		{ "namespace-pid", CLONE_NEWPID }, { "namespace-mount", CLONE_NEWNS },
		{ "namespace-net", CLONE_NEWNET }, { "namespace-ipc", CLONE_NEWIPC },
		{ "namespace-uts", CLONE_NEWUTS }, { "namespace-cgroup", CLONE_NEWCGROUP },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int error = try_unshare(kinds[i].flag);
		char what[96];

		snprintf(what, sizeof(what), "%s", error ? strerror(error) : "can be made");
		probe_need(p, kinds[i].name, error == 0, what, PROBE_ROOT_ADVICE);
	}
}

static void check_seccomp(struct probe *p)
{
	static const uint32_t actions[] = { SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS };
	bool ok = true;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		ok = ok && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]) == 0;
	probe_need(p, "seccomp", ok, ok ? "filters with all actions we need" : "filters are not available",
		   "a kernel with CONFIG_SECCOMP_FILTER is needed");
}

static void check_capabilities(struct probe *p)
{
	static const struct {
		const char *name;
		int cap;
	} needed[] = {
		{ "SYS_ADMIN", CAP_SYS_ADMIN }, { "SETUID", CAP_SETUID },
		{ "SETGID", CAP_SETGID },	{ "SETPCAP", CAP_SETPCAP },
		{ "KILL", CAP_KILL },		{ "CHOWN", CAP_CHOWN },
		{ "NET_ADMIN", CAP_NET_ADMIN }, { "DAC_OVERRIDE", CAP_DAC_OVERRIDE },
	};
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	char lacking[128] = "";
	size_t n = 0;

	(void)syscall(SYS_capget, &head, data);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		int cap = needed[i].cap;

		if (!(data[cap / 32].effective & (1u << (cap % 32))) && n < sizeof(lacking) - 24)
			n += (size_t)snprintf(lacking + n, sizeof(lacking) - n, " CAP_%s", needed[i].name);
	}
	if (n > 0) {
		char what[160];

		snprintf(what, sizeof(what), "lacks%s", lacking);
		probe_need(p, "capabilities", false, what, "start it as root, or add them to the container");
	} else {
		probe_need(p, "capabilities", true, "all that are needed", "");
	}
}

void probe_kernel(struct probe *p)
{
	check_version(p);
	check_capabilities(p);
	check_namespaces(p);
	check_seccomp(p);
	probe_calls(p);
}
