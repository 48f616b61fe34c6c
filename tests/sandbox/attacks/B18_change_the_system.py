# SPDX-License-Identifier: MIT
# title: change the system's files
# tries: write, rename over, delete, change the mode or owner, link and set times below every directory but its own
# result: * EROFS|EPERM|EACCES|ENOENT|EXDEV|EBUSY
# include "attack_py.py"
for place in ("/", "/usr", "/usr/bin", "/bin", "/lib", "/etc", "/dev", "/proc", "/run", "/var"):
    name = place.strip("/").replace("/", "-") or "root"
    attempt(f"{name}-create", lambda: open(place + "/planted", "w"))
    attempt(f"{name}-mkdir", lambda: os.mkdir(place + "/planted.d"))
    attempt(f"{name}-chmod", lambda: os.chmod(place, 0o777))
    attempt(f"{name}-chown", lambda: os.chown(place, os.getuid(), os.getgid()))
    attempt(f"{name}-times", lambda: os.utime(place))
    attempt(f"{name}-rename", lambda: os.rename(place, "/box/x"))
    attempt(f"{name}-symlink", lambda: os.symlink("/box", place + "/planted.l"))
open("/box/mine", "w").close()
for target in ("/usr/bin/env", "/etc/passwd", "/bin/sh"):
    name = target.rsplit("/", 1)[1]
    attempt(f"{name}-write", lambda: open(target, "r+b"))
    attempt(f"{name}-truncate", lambda: os.truncate(target, 0))
    attempt(f"{name}-unlink", lambda: os.unlink(target))
    attempt(f"{name}-over", lambda: os.rename("/box/mine", target))
    attempt(f"{name}-link", lambda: os.link(target, "/box/" + name))
