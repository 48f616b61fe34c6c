/* SPDX-License-Identifier: MIT */
#include "sandbox/seccomp_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* From asm-generic/ioctls.h, which clashes with termios.h on some systems. */
#define IOCTL_FIONREAD	0x541b
#define IOCTL_TIOCSTI	0x5412
#define IOCTL_TIOCLINUX 0x541c
#define IOCTL_TIOCCONS	0x541d
/* Newer than the headers of some systems. */
#define SET_AO_KEY 38

const struct profile_calls profile_job_calls[] = {
	{ "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 open openat openat2 "
	  "creat "
	  "close close_range lseek dup dup2 dup3 fcntl ioctl flock fsync fdatasync sync syncfs "
	  "sync_file_range truncate ftruncate fallocate fadvise64 readahead sendfile copy_file_range",
	  0, "open files" },
	{ "stat fstat lstat newfstatat statx access faccessat faccessat2 statfs fstatfs ustat getcwd chdir "
	  "fchdir getdents getdents64 readlink readlinkat umask cachestat",
	  0, "look around" },
	{ "rename renameat renameat2 mkdir mkdirat rmdir link linkat unlink unlinkat symlink symlinkat mknod "
	  "mknodat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat "
	  "futimesat getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr setxattr lsetxattr "
	  "fsetxattr "
	  "removexattr lremovexattr fremovexattr",
	  0, "change files; ids, mounts and missing capabilities limit where" },
	{ "poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait "
	  "epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create "
	  "timerfd_settime timerfd_gettime inotify_init inotify_init1 inotify_add_watch inotify_rm_watch "
	  "pipe "
	  "pipe2",
	  0, "wait for events" },
	{ "mmap munmap mprotect mremap madvise msync mincore mlock mlock2 munlock munlockall brk pkey_alloc "
	  "pkey_free pkey_mprotect membarrier map_shadow_stack mseal memfd_create",
	  0, "memory; the cgroup and RLIMIT_MEMLOCK bound it" },
	{ "fork vfork clone execve execveat exit exit_group wait4 waitid kill tkill tgkill pidfd_open "
	  "pidfd_send_signal getpid getppid gettid getpgid getpgrp setpgid getsid setsid set_tid_address "
	  "set_robust_list get_robust_list rseq futex futex_waitv futex_wait futex_wake futex_requeue prctl "
	  "arch_prctl personality set_thread_area get_thread_area seccomp landlock_create_ruleset "
	  "landlock_add_rule landlock_restrict_self",
	  0, "processes and threads; the pid namespace and the pids cgroup bound them" },
	{ "sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler "
	  "sched_setscheduler sched_getattr sched_setattr sched_rr_get_interval sched_get_priority_max "
	  "sched_get_priority_min getpriority setpriority ioprio_get getcpu",
	  0, "scheduling; RLIMIT_RTPRIO and RLIMIT_NICE forbid more than a normal share" },
	{ "getuid geteuid getgid getegid getgroups getresuid getresgid setuid setgid setreuid setregid "
	  "setresuid setresgid setgroups setfsuid setfsgid capget capset",
	  0, "ids; without capabilities the kernel refuses every change" },
	{ "rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo "
	  "rt_tgsigqueueinfo rt_sigreturn sigaltstack pause alarm getitimer setitimer timer_create "
	  "timer_settime timer_gettime timer_getoverrun timer_delete restart_syscall",
	  0, "signals and timers" },
	{ "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times uname sysinfo "
	  "getrusage "
	  "getrlimit setrlimit prlimit64 getrandom",
	  0, "time, limits, facts" },
	{ "socket socketpair bind connect listen accept accept4 getsockname getpeername sendto recvfrom "
	  "sendmsg "
	  "recvmsg sendmmsg recvmmsg shutdown setsockopt getsockopt",
	  0, "sockets of the families below, in a network that consists of its own loopback" },
	{ "shmget shmat shmdt shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open "
	  "mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr",
	  0, "System V and POSIX IPC, in its own namespace" },

	{ "clone3", ENOSYS,
	  "its flags lie behind a pointer that no filter can follow; libc falls back to clone" },
	{ "io_uring_setup io_uring_enter io_uring_register", ENOSYS,
	  "runs operations past this filter, and is large attack surface" },
	{ "io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents", ENOSYS,
	  "one program could take the contexts of the whole host (fs.aio-max-nr)" },
	{ "splice tee vmsplice", ENOSYS,
	  "the way to the page cache in Dirty Pipe and its kind; libraries copy" },
	{ "keyctl add_key request_key", ENOSYS, "keyrings belong to a uid, not to a namespace" },
	{ "memfd_secret remap_file_pages uselib statmount listmount get_mempolicy set_mempolicy_home_node "
	  "process_madvise process_mrelease socketcall ipc vm86 vm86old nfsservctl lookup_dcookie sysfs "
	  "_sysctl",
	  ENOSYS, "rare, old or new: callers have another way" },

	{ "ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd perf_event_open", EPERM,
	  "look into other processes" },
	{ "mount umount umount2 pivot_root chroot fsopen fsconfig fsmount fspick open_tree move_mount "
	  "mount_setattr",
	  EPERM, "mounts" },
	{ "unshare setns", EPERM, "new namespaces bring capabilities and kernel code nobody else reaches" },
	{ "bpf userfaultfd fanotify_init fanotify_mark name_to_handle_at open_by_handle_at quotactl "
	  "quotactl_fd",
	  EPERM, "kernel features for administrators, often the first step of an exploit" },
	{ "init_module finit_module delete_module create_module kexec_load kexec_file_load reboot swapon "
	  "swapoff "
	  "acct syslog iopl ioperm sethostname setdomainname vhangup settimeofday stime clock_settime "
	  "adjtimex clock_adjtime",
	  EPERM, "the machine itself" },
	{ "modify_ldt mlockall mbind set_mempolicy migrate_pages move_pages ioprio_set", EPERM,
	  "placement and descriptor tables: attack surface without a use here" },
	{ 0 },
};

/* For `.values` and their number. */
#define VALUES(...) \
	.values = { __VA_ARGS__ }, .n_values = sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t)
/* For a rule that counts only where another argument has this value. */
#define WHEN(a, v) .only_when = true, .when_arg = (a), .when_value = (v)

#define NEW_NAMESPACES                                                                                \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
	 CLONE_NEWNET)

const struct profile_argument profile_job_arguments[] = {
	{ .name = "clone",
	  .arg = 0,
	  .test = REFUSE_BITS,
	  VALUES(NEW_NAMESPACES),
	  .error = EPERM,
	  .why = "no new namespaces" },
	{ .name = "socket",
	  .arg = 0,
	  .test = REFUSE_OTHERS,
	  VALUES(AF_UNIX, AF_INET, AF_INET6),
	  .error = EAFNOSUPPORT,
	  .why = "AF_ALG, AF_VSOCK, AF_RXRPC, AF_PACKET and the next family with a hole; AF_NETLINK because "
		 "no "
		 "cgroup counts the answers that wait in its sockets: gigabytes of a host's memory" },
	{ .name = "socketpair",
	  .arg = 0,
	  .test = REFUSE_OTHERS,
	  VALUES(AF_UNIX, AF_INET, AF_INET6),
	  .error = EAFNOSUPPORT,
	  .why = "as socket" },
	{ .name = "socket",
	  WHEN(0, AF_INET),
	  .arg = 2,
	  .test = REFUSE_OTHERS,
	  VALUES(0, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP),
	  .error = EPROTONOSUPPORT,
	  .why = "SCTP, DCCP, L2TP, SMC, MPTCP: asking for one loads a module of the host's kernel" },
	{ .name = "socket",
	  WHEN(0, AF_INET6),
	  .arg = 2,
	  .test = REFUSE_OTHERS,
	  VALUES(0, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP),
	  .error = EPROTONOSUPPORT,
	  .why = "the same" },
	{ .name = "setsockopt",
	  WHEN(1, IPPROTO_IP),
	  .arg = 2,
	  .test = REFUSE_VALUES,
	  VALUES(IP_ADD_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP),
	  .error = ENODEV,
	  .why = "multicast on a loopback interface reaches nobody, and leaving a group is told seconds "
		 "later, "
		 "when somebody else may have the network namespace (netns.h). The error is that of no "
		 "interface for it" },
	{ .name = "setsockopt",
	  WHEN(1, IPPROTO_IPV6),
	  .arg = 2,
	  .test = REFUSE_VALUES,
	  VALUES(IPV6_ADD_MEMBERSHIP, IPV6_JOIN_ANYCAST, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP),
	  .error = ENODEV,
	  .why = "the same" },
	{ .name = "setsockopt",
	  WHEN(1, IPPROTO_TCP),
	  .arg = 2,
	  .test = REFUSE_VALUES,
	  VALUES(TCP_MD5SIG, TCP_MD5SIG_EXT, SET_AO_KEY),
	  .error = ENOPROTOOPT,
	  .why = "keys for routers: each socket holds a thousand of them, which no cgroup counts" },
	{ .name = "ioctl",
	  .arg = 1,
	  .test = REFUSE_VALUES,
	  VALUES(IOCTL_TIOCSTI, IOCTL_TIOCLINUX, IOCTL_TIOCCONS),
	  .error = EPERM,
	  .why = "typing into a terminal that somebody else reads" },
	{ .name = "fcntl",
	  .arg = 1,
	  .test = REFUSE_VALUES,
	  VALUES(F_SETLEASE, F_NOTIFY),
	  .error = EPERM,
	  .why = "leases and notifications on files that all slots share" },
	{ .name = "prctl",
	  .arg = 0,
	  .test = REFUSE_VALUES,
	  VALUES(PR_SET_MM),
	  .error = EPERM,
	  .why = "rewrites what /proc says about a process" },
	{ .name = "setrlimit",
	  .arg = 0,
	  .test = REFUSE_VALUES,
	  VALUES(RLIMIT_CORE),
	  .error = 0,
	  .why = "0 in place of 1 would let a core_pattern pipe start on the host. AddressSanitizer sets it "
		 "and "
		 "ends the program when it cannot" },
	{ .name = "prlimit64",
	  WHEN(1, RLIMIT_CORE),
	  .arg = 2,
	  .test = REFUSE_SET,
	  .error = 0,
	  .why = "as setrlimit; reading it is fine" },
	{ .name = "personality",
	  .arg = 0,
	  .test = REFUSE_OTHERS,
	  VALUES(0, 0xffffffff),
	  .error = EPERM,
	  .why = "READ_IMPLIES_EXEC, no address space randomisation, a page at 0" },
	{ .name = "seccomp",
	  WHEN(0, SECCOMP_SET_MODE_FILTER),
	  .arg = 1,
	  .test = REFUSE_BITS,
	  VALUES(SECCOMP_FILTER_FLAG_NEW_LISTENER),
	  .error = EPERM,
	  .why = "a supervisor in user space; filters of its own are fine" },
	{ .name = "memfd_create",
	  .arg = 1,
	  .test = REFUSE_BITS,
	  VALUES(MFD_HUGETLB),
	  .error = EINVAL,
	  .why = "huge pages are the host's, and the memory limit does not count them" },
	{ 0 },
};

/* init after the job process is forked: wait, kill, collect, report. */
const struct profile_calls profile_init_calls[] = {
	{ "poll ppoll wait4 waitid kill restart_syscall rt_sigreturn", 0,
	  "wait for the program, end the rest" },
	{ "sendto sendmsg recvmsg recvfrom", 0, "the report socket" },
	{ "read write pread64 close openat2 fstat newfstatat statx getdents64 lseek memfd_create fcntl", 0,
	  "collect files" },
	{ "unlinkat", 0, "a program's file in the place of the FIFO that a warm interpreter reads" },
	{ "ioctl", 0, "how much of that FIFO the interpreter has not read" },
	{ "mmap munmap mremap brk madvise mprotect futex", 0, "malloc" },
	{ "sigaltstack", 0, "AddressSanitizer in a test build sets it at the end of a process" },
	{ "clock_gettime getpid gettid exit exit_group", 0, "time, and the end" },
	{ 0 },
};

const struct profile_argument profile_init_arguments[] = {
	{ .name = "kill",
	  .arg = 0,
	  .test = REFUSE_OTHERS,
	  VALUES(0xffffffff),
	  .error = EPERM,
	  .why = "all of the slot or none" },
	{ .name = "kill",
	  .arg = 1,
	  .test = REFUSE_OTHERS,
	  VALUES(SIGKILL),
	  .error = EPERM,
	  .why = "for their end only" },
	{ .name = "ioctl",
	  .arg = 1,
	  .test = REFUSE_OTHERS,
	  VALUES(IOCTL_FIONREAD),
	  .error = EPERM,
	  .why = "that and nothing else" },
	{ .name = "mmap",
	  .arg = 2,
	  .test = REFUSE_BITS,
	  VALUES(PROT_EXEC),
	  .error = EPERM,
	  .why = "no new code" },
	{ .name = "mprotect",
	  .arg = 2,
	  .test = REFUSE_BITS,
	  VALUES(PROT_EXEC),
	  .error = EPERM,
	  .why = "no new code" },
	{ 0 },
};

const struct profile_number profile_numbers[] = {
	{ "cachestat", 451 },
	{ "fchmodat2", 452 },
	{ "map_shadow_stack", 453 },
	{ "futex_wake", 454 },
	{ "futex_wait", 455 },
	{ "futex_requeue", 456 },
	{ "statmount", 457 },
	{ "listmount", 458 },
	{ "mseal", 462 },
	{ 0 },
};
