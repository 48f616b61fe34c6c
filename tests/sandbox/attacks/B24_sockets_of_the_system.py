# SPDX-License-Identifier: MIT
# title: sockets and pipes of the system
# tries: find a socket or FIFO in the file system: of Docker, D-Bus, a database, the journal
# limits: wallMs=30000 cpuMs=15000
# result: found 0
# include "attack_py.py"
import stat
n = 0
for top, dirs, files in os.walk("/"):
    if top == "/proc":
        dirs[:] = []
    for f in files:
        try:
            mode = os.lstat(os.path.join(top, f)).st_mode
        except OSError:
            continue
        if stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode):
            n += 1
            print(os.path.join(top, f), file=sys.stderr)
say("found", n)
