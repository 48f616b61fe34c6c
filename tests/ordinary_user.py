# SPDX-License-Identifier: MIT
"""An ordinary user with control groups of its own, on any host: nothing of the host is changed for it.

The user exists in a mount namespace only, in which passwd, subuid and subgid are others. The control groups are
made below our own (cgroup v1) or below the root (v2); each start gets new ones and owns them, as with a service manager.
"""
import itertools
import os
import pathlib
import shutil
import tempfile

import harness

CONTROLLERS = ("memory", "pids", "cpu", "cpuacct")
_numbers = itertools.count()

ENTER = """
mount --bind "$PLACE/passwd" /etc/passwd
mount --bind "$PLACE/sub" /etc/subuid
mount --bind "$PLACE/sub" /etc/subgid
if [ -n "$CLOSED" ]; then
	mkdir -p "$PLACE/tree"
	mount --rbind "$TREE" "$PLACE/tree"
	mount -t tmpfs -o mode=755 tree "$CLOSED"
	mkdir -p "$TREE"
	mount --rbind "$PLACE/tree" "$TREE"
fi
for group in $GROUPS_OF_ITS_OWN; do
	mkdir "$group/$$"
	for name in "" cgroup.procs cgroup.threads cgroup.subtree_control tasks; do
		[ ! -e "$group/$$/$name" ] || chown "$IDS_UID:$IDS_GID" "$group/$$/$name"
	done
	echo $$ >"$group/$$/cgroup.procs"
done
exec setpriv --reuid "$IDS_UID" --regid "$IDS_GID" --clear-groups env -u PLACE -u TREE -u CLOSED -u GROUPS_OF_ITS_OWN -u IDS_UID -u IDS_GID "$@"
"""


def _closed():
    """The first directory above ours that strangers may not enter, /root for one; None: they reach us."""
    return next((d for d in reversed(harness.ROOT.parents) if not d.stat().st_mode & 1), None)


def _hierarchies():
    """(directory of our own group, version) for each hierarchy with a controller that slots need."""
    own = {}
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            own[name] = path
    found = {}
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        left, right = line.split(" - ")
        kind, _, options = right.split(" ")[:3]
        point = pathlib.Path(left.split(" ")[4])
        if kind == "cgroup":
            for name in set(options.split(",")) & set(CONTROLLERS):
                found[point / own[name].lstrip("/")] = 1
        elif kind == "cgroup2" and "memory" in (point / "cgroup.controllers").read_text().split():
            found[point] = 2
    return found.items()


def _group(parent, version):
    group = parent / f"codecrusher-user-{os.getpid()}-{next(_numbers)}"
    if version == 2:
        (parent / "cgroup.subtree_control").write_text("+memory +pids +cpu")
    group.mkdir()
    if version == 2:
        (group / "cgroup.subtree_control").write_text("+memory +pids +cpu")
    return group


# Where the host forbids user namespaces to ordinary users, all there is to see is that it is said.
FORBIDDEN = {
    "kernel/apparmor_restrict_unprivileged_userns": "1",
    "kernel/unprivileged_userns_clone": "0",
    "user/max_user_namespaces": "0",
}


def forbidden():
    for name, value in FORBIDDEN.items():
        path = pathlib.Path("/proc/sys", name)
        if path.exists() and path.read_text().strip() == value:
            return f"this host forbids user namespaces to ordinary users: {name} is {value}"
    return None


class User(harness.Settings):
    """Settings for a harness.Server that the user starts, and `inside` before the command."""

    def __init__(self, ids=True, groups=True):
        super().__init__()
        self.uid = next(harness._uid_bases)
        self.gid = self.uid + 1  # another number, lest one is taken for the other
        self.ids = range(self.uid_base, self.uid_base + harness.UID_RANGE)
        self.groups = [_group(*h) for h in _hierarchies()] if groups else []
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="home-", dir=self.base))
        (self.home / "run").mkdir()
        for path in (self.home, self.home / "run"):
            os.chown(path, self.uid, self.gid)
        accounts = pathlib.Path("/etc/passwd").read_text()
        (self.base / "passwd").write_text(accounts + f"cctester:x:{self.uid}:{self.gid}::{self.home}:/bin/sh\n")
        (self.base / "sub").write_text(f"cctester:{self.ids[0]}:{len(self.ids)}\n" if ids else "")
        self.inside = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", ENTER, "sh"]

    def env(self):
        return {
            "PORT": 0,
            "HOME": self.home,
            "XDG_RUNTIME_DIR": self.home / "run",
            "CODECRUSHER_CGROUP_PARENT": self.cgroup,
            "PLACE": self.base,
            "TREE": harness.ROOT,
            "CLOSED": _closed() or "",
            "GROUPS_OF_ITS_OWN": " ".join(map(str, self.groups)),
            "IDS_UID": self.uid,
            "IDS_GID": self.gid,
            **({"CODECRUSHER_WARM_SLOTS": 0, "CODECRUSHER_PRECOMPILE": 0} if harness.EMULATED else {}),
        }

    def cgroups(self):
        return [pathlib.Path(path) for group in self.groups for path, _, _ in os.walk(group) if self.cgroup in path]

    def processes(self):
        return sorted(super().processes() + [pid for pid in harness.processes() if harness.uid_of(pid) == self.uid])

    def remove(self):
        for group in self.groups:
            for path, _, _ in os.walk(group, topdown=False):
                os.rmdir(path)
        shutil.rmtree(self.base, ignore_errors=True)
