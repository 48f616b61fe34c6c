# SPDX-License-Identifier: MIT
# title: inotify until it ends
# tries: take all instances and all watches of the user, which a neighbour of the same uid would miss
# limits: memoryBytes=128M
# job: hog
# verdict: ok
# result: inotify_init EMFILE
# result: inotify_add_watch ENOSPC|0
# together: yes
# job: neighbour
# result: neighbour 0
# include "attack_py.py"
import time
def instance():
    fd = _libc.inotify_init1(0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "inotify_init1")
    fds.append(fd)
def instances():
    while True:
        instance()
def watches():
    for n in range(5000):
        os.mkdir(f"d{n}")
        if _libc.inotify_add_watch(fds[0], f"d{n}".encode(), 0xfff) < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
fds = []
if sys.argv[1] == "hog":
    attempt("inotify_init", instances)
    attempt("inotify_add_watch", watches)
    time.sleep(0.3)
else:
    attempt("neighbour", instance)
