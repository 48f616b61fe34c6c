# SPDX-License-Identifier: MIT
# title: what /proc tells about the host
# tries: read kernel addresses, memory, keys, timers, interrupts, the boot line, and everything of init
# result: * EACCES|ENOENT|EPERM|ENOTDIR|nothing|ESRCH|EIO
# result[docker]: kallsyms softirqs cmdline tty 1-cmdline 1-net 1-status 1-mountinfo *
# include "attack_py.py"
def look(path):
    if os.path.isdir(path):
        return b"x" if os.listdir(path) else b""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(fd, 100)
    finally:
        os.close(fd)
for path in (
    "kcore", "kallsyms", "kmsg", "keys", "key-users", "timer_list", "interrupts", "softirqs", "sched_debug", "schedstat",
    "cmdline", "acpi", "asound", "scsi", "driver", "tty", "vmallocinfo", "pagetypeinfo", "slabinfo", "kpagecount", "kpageflags",
    "1/environ", "1/cmdline", "1/maps", "1/mem", "1/root", "1/cwd", "1/exe", "1/fd", "1/auxv", "1/stack", "1/syscall", "1/io",
    "1/task/1/mem", "1/map_files", "1/net", "1/ns/net", "1/status", "1/mountinfo",
):
    name = path.replace("/", "-")
    try:
        say(name, "something" if look("/proc/" + path) else "nothing")
    except OSError as problem:
        say(name, errno.errorcode[problem.errno])
