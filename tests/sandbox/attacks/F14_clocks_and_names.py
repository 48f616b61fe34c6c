# SPDX-License-Identifier: MIT
# title: what a job could leave in names
# tries: change host and domain name, time and locale of the machine for others
# job: change
# result: sethostname settime EPERM
# job: look x2
# result: hostname as-before
# result: sethostname settime EPERM
# include "attack_py.py"
import socket, time
if sys.argv[1] == "look":
    say("hostname", "as-before" if "owned" not in socket.gethostname() else "changed")
attempt("sethostname", lambda: socket.sethostname("owned"))
attempt("settime", lambda: time.clock_settime(time.CLOCK_REALTIME, 0))
