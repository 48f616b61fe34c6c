# SPDX-License-Identifier: MIT
# title: the kernel's settings
# tries: write every file of /proc/sys and the switches beside it
# result: core_pattern modprobe hostname sysrq-trigger ip_forward EROFS|EACCES|ENOENT|EPERM
# result: writable-files 0
# include "attack_py.py"
for name, path in (
    ("core_pattern", "/proc/sys/kernel/core_pattern"), ("modprobe", "/proc/sys/kernel/modprobe"),
    ("hostname", "/proc/sys/kernel/hostname"), ("sysrq-trigger", "/proc/sysrq-trigger"),
    ("ip_forward", "/proc/sys/net/ipv4/ip_forward"),
):
    attempt(name, lambda: os.close(os.open(path, os.O_WRONLY)))
n = 0
for top, _, files in os.walk("/proc/sys"):
    for f in files:
        try:
            os.close(os.open(os.path.join(top, f), os.O_WRONLY | os.O_NONBLOCK))
            n += 1
        except OSError:
            pass
say("writable-files", n)
