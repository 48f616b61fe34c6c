/* SPDX-License-Identifier: MIT */
/* Asks the kernel for what a sandboxed program must not get. One line each: name, then 0 or the errno;
 * whether that is right is for test_syscalls.py to say. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *name, long result)
{
	printf("%s %d\n", name, result < 0 ? errno : 0);
}

#define TRY(name, ...) say(name, syscall(__VA_ARGS__))

static void namespaces(void)
{
	static const struct {
		const char *name;
		unsigned long flag;
	} kinds[] = { { "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS },  { "net", CLONE_NEWNET },
		      { "pid", CLONE_NEWPID },	 { "ipc", CLONE_NEWIPC }, { "uts", CLONE_NEWUTS },
		      { "time", 0x80 },		 { "cgroup", 0x02000000 } };
	char name[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(name, sizeof(name), "unshare-%s", kinds[i].name);
		TRY(name, SYS_unshare, kinds[i].flag);
	}
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	say("clone-newuser", pid);
	pid = syscall(SYS_clone, 0x100000000ul | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	say("clone-newuser-dirty", pid);
	uint64_t args[11] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };

	pid = syscall(SYS_clone3, args, sizeof(args));
	if (pid == 0)
		_exit(0);
	say("clone3", pid);
	TRY("setns", SYS_setns, open("/proc/1/ns/net", O_RDONLY), 0);
}

static void mounts(void)
{
	TRY("mount", SYS_mount, "x", "/tmp", "tmpfs", 0, 0);
	TRY("umount", SYS_umount2, "/tmp", MNT_DETACH);
	TRY("pivot_root", SYS_pivot_root, "/tmp", "/tmp");
	TRY("chroot", SYS_chroot, "/tmp");
	TRY("fsopen", SYS_fsopen, "tmpfs", 0);
	TRY("open_tree", SYS_open_tree, AT_FDCWD, "/tmp", 1);
	TRY("move_mount", SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "/box", 0);
	TRY("mount_setattr", SYS_mount_setattr, AT_FDCWD, "/tmp", 0, 0, 0);
	TRY("mknod-chr", SYS_mknod, "/box/c", S_IFCHR | 0600, 0x101);
	TRY("mknod-blk", SYS_mknod, "/box/b", S_IFBLK | 0600, 0x800);
	TRY("open_by_handle_at", SYS_open_by_handle_at, 0, 0, 0);
	TRY("swapon", SYS_swapon, "/tmp/x", 0);
	TRY("quotactl", SYS_quotactl, 0, 0, 0, 0);
	TRY("acct", SYS_acct, "/tmp/x");
}

static void kernel(void)
{
	char buf[64] = { 0 };
	aio_context_t aio = 0;

	TRY("bpf", SYS_bpf, 0, buf, sizeof(buf));
	TRY("perf_event_open", SYS_perf_event_open, buf, 0, -1, -1, 0);
	TRY("userfaultfd", SYS_userfaultfd, 1);
	TRY("io_uring_setup", SYS_io_uring_setup, 1, buf);
	TRY("io_setup", SYS_io_setup, 1, &aio);
	TRY("keyctl", SYS_keyctl, 0, -4, 1);
	TRY("add_key", SYS_add_key, "user", "x", "y", 1, -4);
	TRY("request_key", SYS_request_key, "user", "x", 0, -4);
	TRY("kexec_load", SYS_kexec_load, 0, 0, 0, 0);
	TRY("init_module", SYS_init_module, buf, 1, "");
	TRY("finit_module", SYS_finit_module, 0, "", 0);
	TRY("reboot", SYS_reboot, 0xfee1dead, 672274793, 0, 0);
	TRY("syslog", SYS_syslog, 3, buf, sizeof(buf));
	TRY("settimeofday", SYS_settimeofday, 0, 0);
	TRY("sethostname", SYS_sethostname, "x", 1);
#ifdef __x86_64__
	TRY("iopl", SYS_iopl, 3);
	TRY("ioperm", SYS_ioperm, 0, 1, 1);
	TRY("modify_ldt", SYS_modify_ldt, 0, buf, sizeof(buf));
#endif
	TRY("personality", SYS_personality, 0x0400000);
	TRY("splice", SYS_splice, 0, 0, 1, 0, 1, 0);
	TRY("tee", SYS_tee, 0, 1, 1, 0);
	TRY("vmsplice", SYS_vmsplice, 1, 0, 0, 0);
	TRY("fanotify_init", SYS_fanotify_init, 0, 0);
	TRY("memfd_secret", 447, 0);
	TRY("newer-than-any", 1000, 0);
}

/* Sanitizers set this limit and give up when they may not, so being told a lie is as good as a refusal; what
 * counts is whether it changed. */
static void core_limit(const char *name, unsigned long resource)
{
	struct rlimit core = { 0, 0 };

	syscall(SYS_prlimit64, 0, resource, &core, 0);
	getrlimit(RLIMIT_CORE, &core);
	errno = EPERM;
	say(name, core.rlim_max == 0 ? 0 : -1);
}

static void processes(void)
{
	struct rlimit files = { 1 << 20, 1 << 20 };
	struct {
		uint32_t version, pid, data[6];
	} caps = { 0x20080522, 0, { ~0u, ~0u, 0, ~0u, ~0u, 0 } };

	TRY("ptrace-traceme", SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
	TRY("ptrace-init", SYS_ptrace, PTRACE_ATTACH, 1, 0, 0);
	TRY("process_vm_readv", SYS_process_vm_readv, 1, 0, 0, 0, 0, 0);
	TRY("process_vm_writev", SYS_process_vm_writev, 1, 0, 0, 0, 0, 0);
	TRY("kill-init", SYS_kill, 1, SIGKILL);
	TRY("pidfd-getfd", SYS_pidfd_getfd, syscall(SYS_pidfd_open, 1, 0), 0, 0);
	TRY("setuid", SYS_setuid, 0);
	TRY("setgid", SYS_setgid, 0);
	TRY("setgroups", SYS_setgroups, 0, 0);
	TRY("setresuid", SYS_setresuid, 0, 0, 0);
	TRY("capset", SYS_capset, &caps, &caps.data);
	TRY("nice", SYS_setpriority, PRIO_PROCESS, 0, -10);
	core_limit("rlimit-core", RLIMIT_CORE);
	core_limit("rlimit-core-dirty", 0x100000000ul | RLIMIT_CORE);
	TRY("rlimit-up", SYS_prlimit64, 0, RLIMIT_NOFILE, &files, 0);
	TRY("no-new-privs-off", SYS_prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);
	TRY("seccomp-listener", SYS_seccomp, 1, 8, 0);
	TRY("tiocsti", SYS_ioctl, 0, TIOCSTI, "x");
	TRY("tiocsti-dirty", SYS_ioctl, 0, 0x100000000ul | TIOCSTI, "x");
	TRY("setlease", SYS_fcntl, 0, F_SETLEASE, F_RDLCK);
	TRY("notify", SYS_fcntl, open("/usr", O_RDONLY), F_NOTIFY, 1);
	TRY("memfd-hugetlb", SYS_memfd_create, "x", 4);
}

static void sockets(void)
{
	static const struct {
		const char *name;
		unsigned long domain, type, protocol;
	} kinds[] = {
		{ "socket-unix", AF_UNIX, SOCK_STREAM, 0 },
		{ "socket-inet", AF_INET, SOCK_STREAM, 0 },
		{ "socket-inet6", AF_INET6, SOCK_DGRAM, 0 },
		{ "socket-route", AF_NETLINK, SOCK_RAW, 0 },
		{ "socket-netfilter", AF_NETLINK, SOCK_RAW, 12 },
		{ "socket-xfrm", AF_NETLINK, SOCK_RAW, 6 },
		{ "socket-netfilter-dirty", AF_NETLINK, SOCK_RAW, 0x10000000cul },
		{ "socket-alg", 38, SOCK_SEQPACKET, 0 },
		{ "socket-alg-dirty", 0x100000026ul, SOCK_SEQPACKET, 0 },
		{ "socket-vsock", 40, SOCK_STREAM, 0 },
		{ "socket-vsock-dirty", 0x100000028ul, SOCK_STREAM, 0 },
		{ "socket-packet", 17, SOCK_RAW, 0 },
		{ "socket-rxrpc", 33, SOCK_DGRAM, 2 },
		{ "socket-bluetooth", 31, SOCK_RAW, 1 },
		{ "socket-can", 29, SOCK_RAW, 1 },
		{ "socket-tipc", 30, SOCK_RDM, 0 },
		{ "socket-xdp", 44, SOCK_RAW, 0 },
		{ "socket-raw", AF_INET, SOCK_RAW, 1 },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		TRY(kinds[i].name, SYS_socket, kinds[i].domain, kinds[i].type, kinds[i].protocol);
}

int main(void)
{
	namespaces();
	mounts();
	kernel();
	processes();
	sockets();
	return 0;
}
