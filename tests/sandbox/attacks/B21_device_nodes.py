# SPDX-License-Identifier: MIT
# title: devices
# tries: make device nodes, and open what a host's /dev has
# result: make-* EPERM
# result: open-* ENOENT|EACCES|ENXIO
# result[docker]: open-ptmx 0|ENOENT
# result: found 0
# include "attack_py.py"
import stat
for name, kind, number in (("mem", stat.S_IFCHR, (1, 1)), ("disk", stat.S_IFBLK, (8, 0)), ("fuse", stat.S_IFCHR, (10, 229)), ("zero", stat.S_IFCHR, (1, 5))):
    attempt("make-" + name, lambda: os.mknod("/box/" + name, kind | 0o600, os.makedev(*number)))
for name in ("mem", "kmem", "port", "fuse", "kvm", "net/tun", "tty", "ptmx", "console", "kmsg", "sda", "vda", "loop-control", "vhost-net", "vsock", "userfaultfd", "mapper/control", "uinput", "hpet", "snapshot", "cpu/0/msr", "shm/../mem"):
    attempt("open-" + name.replace("/", "-"), lambda: os.close(os.open("/dev/" + name, os.O_RDWR | os.O_NONBLOCK)))
known = {"null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr", "shm", "ptmx", "pts", "mqueue", "core", "tty"}
say("found", len(set(os.listdir("/dev")) - known))
