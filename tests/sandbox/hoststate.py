# SPDX-License-Identifier: MIT
"""What one server has of the machine it runs on, so that before and after an attack can be compared.

Other servers run on the same machine, so everything here is counted by what is the server's own: its process tree, its
range of uids, its directories of control groups, the mounts of its spawner. The few numbers that the kernel keeps for
all (file-nr, aio-nr, its log) are compared with room for others. Standard library only; needs root, and the server's
processes in /proc.
"""
import os
import re
import time

UID_BASE, UIDS = 0x70000000, 0x4000
# Role, its name in /proc, whose child it is.
ROLES = [("engine", "codecrusher-eng", "monitor"), ("spawner", "codecrusher-spa", "monitor"), ("builder", "cc-builder", "spawner")]
CGROUPS = "/sys/fs/cgroup"
# How much more than before is still no growth.
FDS = 8
RESIDENT_KIB = {"engine": 64 << 10, "monitor": 4 << 10, "spawner": 8 << 10, "builder": 4 << 10}
FILES, AIO = 8192, 4096
# What one waiting slot has at most, for a pool whose size the server chooses itself.
SLOT = {
    "slots": 1, "processes below the monitor": 4, "processes with the slots' uids": 4, "control groups": 5,
    "network namespaces": 1, "descriptors of spawner": 16,
}  # fmt: skip
# Not "traps: ...", which tells of a program that crashed.
KERNEL = re.compile(r"^(?!traps: ).*(WARNING:|BUG:|\bOops\b|general protection fault|unable to handle|soft lockup|blocked for more than|refcount_t:)")


class NotHere(Exception):
    """The server's processes cannot be found on this machine."""


def text_of(path):
    try:
        with open(path, "rb", buffering=0) as f:
            return f.read().decode(errors="replace")
    except OSError:
        return ""


def processes():
    """{pid: (ppid, comm, state, uid)} of everything that lives."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        text = text_of(f"/proc/{entry}/stat")
        try:
            uid = os.stat(f"/proc/{entry}").st_uid
        except OSError:
            continue
        if text:
            state, ppid = text[text.rindex(")") + 2 :].split()[:2]
            found[int(entry)] = (int(ppid), text[text.index("(") + 1 : text.rindex(")")], state, uid)
    return found


def listener(port):
    """The inode of the socket that listens on a loopback or any address."""
    for name in ("tcp", "tcp6"):
        for line in text_of(f"/proc/net/{name}").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                return fields[9]
    raise NotHere(f"nothing listens on port {port} here")


def descriptors(pid):
    found = []
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
            except OSError:
                pass
    except OSError:
        pass
    return found


def find_monitor(port):
    wanted = f"socket:[{listener(port)}]"
    alive = processes()
    for pid in sorted(alive):
        if wanted in descriptors(pid):
            parent = alive[pid][0]
            # Monitor and engine both hold it; the monitor is the one whose parent does not.
            return parent if parent in alive and wanted in descriptors(parent) else pid
    raise NotHere(f"no process holds the socket of port {port} (root is needed to see it)")


def environment(pid):
    return dict(part.split("=", 1) for part in text_of(f"/proc/{pid}/environ").split("\0") if "=" in part)


def kernel_log(position):
    """Lines of the kernel's log from a sequence number on, and the next number."""
    lines = []
    try:
        fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return lines, position
    try:
        while True:
            try:
                record = os.read(fd, 8192).decode(errors="replace")
            except BlockingIOError:
                return lines, position
            except BrokenPipeError:  # the ring went on under us
                continue
            number = int(record.split(",")[1])
            if number >= position:
                lines.append(record.split(";", 1)[1].splitlines()[0])
                position = number + 1
    finally:
        os.close(fd)


class Host:
    """The machine, as far as it is the server's that listens on this port."""

    def __init__(self, port):
        self.monitor = find_monitor(port)
        env = environment(self.monitor)
        self.uid_base = int(env.get("CODECRUSHER_UID_BASE", str(UID_BASE)), 0)
        # A range of its own is counted whole; the default one belongs to everybody who did not say.
        self.own_uids = "CODECRUSHER_UID_BASE" in env
        self.group = env.get("CODECRUSHER_CGROUP_PARENT", "codecrusher")
        self.own_group = "CODECRUSHER_CGROUP_PARENT" in env
        # Without a fixed number, interpreters are kept waiting by how often they were needed lately.
        self.elastic = int(env.get("CODECRUSHER_WARM_SLOTS", "-1")) < 0
        # AddressSanitizer keeps what was freed.
        self.sanitized = "libasan" in text_of(f"/proc/{self.monitor}/maps")
        self.group_tops = []
        self.log_position = kernel_log(0)[1]
        self.idle = None

    def tree(self, alive):
        below, grown = {self.monitor}, True
        while grown:
            more = {pid for pid, (ppid, *_) in alive.items() if ppid in below} - below
            grown = bool(more)
            below |= more
        return below

    def roles(self, alive, tree):
        """Slots begin with the spawner's name, so only children of the right parent count."""
        found = {"monitor": self.monitor}
        for role, comm, parent in ROLES:
            for pid in sorted(tree):
                if alive[pid][1] == comm and alive[pid][0] == found.get(parent) and alive[pid][2] != "Z":
                    found.setdefault(role, pid)
        return found

    def cgroups(self):
        """Directories of this server in every mounted hierarchy."""
        if not self.own_group:
            return 0
        if not self.group_tops:
            self.group_tops = [path for path, _, _ in os.walk(CGROUPS) if os.path.basename(path) == self.group]
        return sum(1 for top in self.group_tops for _ in os.walk(top))

    def ipc(self):
        """System V objects of our uids in the host's own IPC namespace."""
        count = 0
        for kind in ("shm", "sem", "msg"):
            head, *rows = [line.split() for line in text_of(f"/proc/sysvipc/{kind}").splitlines()] or [[]]
            count += sum(self.is_slot_uid(int(row[head.index("uid")])) for row in rows if "uid" in head)
        return count

    def is_slot_uid(self, uid):
        return self.uid_base <= uid < self.uid_base + UIDS

    def look(self):
        alive = processes()
        tree = self.tree(alive)
        roles = self.roles(alive, tree)
        slots = tree - set(roles.values())
        strays = [p for p in alive if self.own_uids and self.is_slot_uid(alive[p][3]) and p not in tree]
        now = {
            "who": roles,
            "slots": sum(alive[p][0] == roles.get("spawner") and p != roles.get("builder") for p in tree),
            "processes below the monitor": len(tree),
            "processes with the slots' uids": len(strays) + sum(self.is_slot_uid(alive[p][3]) for p in slots),
            "processes with the slots' uids outside of the server": len(strays),
            "control groups": self.cgroups(),
            "System V IPC on the host": self.ipc(),
            "network namespaces": len({os_link(f"/proc/{p}/ns/net") for p in tree}),
            "mounts of the spawner": text_of(f"/proc/{roles.get('spawner', 0)}/mountinfo").count("\n"),
            "mounts of slots on the host": slot_mounts(),
        }
        for role, pid in roles.items():
            now[f"descriptors of {role}"] = len(descriptors(pid))
            now[f"resident KiB of {role}"] = resident(pid)
        now["file-nr"] = int(text_of("/proc/sys/fs/file-nr").split()[0])
        now["aio-nr"] = int(text_of("/proc/sys/fs/aio-nr"))
        return now

    def settle(self, timeout=30.0):
        """Waits until the pool is full, that is until the numbers stay as they are for a while, and keeps them."""
        last, since, deadline = None, 0.0, time.monotonic() + timeout
        while True:
            now = self.look()
            steady = {k: v for k, v in now.items() if not is_loose(k)}
            if steady != last:
                last, since = steady, time.monotonic()
            elif time.monotonic() - since > 0.5:
                self.idle = now
                return
            if time.monotonic() > deadline:
                raise NotHere(f"the server does not come to rest in {timeout} s: {now}")
            time.sleep(0.02)

    def room(self, name):
        """How much more than before is no growth."""
        if name.startswith("resident"):
            return RESIDENT_KIB[name.split()[-1]] * (16 if self.sanitized else 1)
        return {"file-nr": FILES, "aio-nr": AIO}.get(name, FDS)

    def problems(self, now):
        changed = now["slots"] - self.idle["slots"] if self.elastic else 0
        found = []
        for name, before in self.idle.items():
            seen = now.get(name)
            if seen == before or is_loose(name) and seen is not None and seen <= before + self.room(name):
                continue
            if changed and name in SLOT and abs(seen - before) <= abs(changed) * SLOT[name] + self.room(name) * is_loose(name):
                continue
            found.append((name, before, seen))
        return found

    def compare(self, timeout=20.0):
        """[(what, before, after)] of what has not come back to what it was when idle, at the latest after `timeout`
        seconds; and lines of the kernel's log that tell of its own trouble."""
        deadline = time.monotonic() + timeout
        found = self.problems(self.look())
        while found and time.monotonic() < deadline:
            time.sleep(0.05)
            found = self.problems(self.look())
        lines, self.log_position = kernel_log(self.log_position)
        return found + [("kernel log", "", line) for line in lines if KERNEL.search(line)]


def os_link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def resident(pid):
    found = re.search(r"^VmRSS:\s+(\d+)", text_of(f"/proc/{pid}/status"), re.M)
    return int(found.group(1)) if found else 0


def is_loose(name):
    return name in ("file-nr", "aio-nr") or name.startswith(("descriptors of ", "resident KiB of "))


def slot_mounts():
    """What a slot mounts carries these names; on the host nothing does."""
    count = 0
    for line in text_of("/proc/self/mountinfo").splitlines():
        source = line[line.index(" - ") :].split(" ")[3]
        count += source in ("box", "rootfs") and line.split()[4] != "/"
    return count
