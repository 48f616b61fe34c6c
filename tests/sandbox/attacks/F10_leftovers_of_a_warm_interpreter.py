# SPDX-License-Identifier: MIT
# title: leftovers in a warm interpreter
# tries: find what the start of an interpreter that waited left: descriptors, environment, variables, loaded modules
# result: descriptors 3
# result: suspicious-environment none
# result: names none
# result: threads 1
# include "attack_py.py"
import threading
fds = 0
for fd in range(0, 4096):
    try:
        os.fstat(fd)
        fds += 1
    except OSError:
        pass
say("descriptors", fds)
say("suspicious-environment", ",".join(k for k in os.environ if k.startswith(("CODECRUSHER", "REDIS", "MONGO", "PORT", "HOST"))) or "none")
known = {"__name__", "__doc__", "__package__", "__loader__", "__spec__", "__annotations__", "__builtins__", "__file__", "__cached__", "ctypes", "errno", "os", "sys", "_libc", "say", "attempt", "syscall", "threading", "fds", "fd", "known"}
say("names", ",".join(sorted(set(globals()) - known)) or "none")
say("threads", threading.active_count())
