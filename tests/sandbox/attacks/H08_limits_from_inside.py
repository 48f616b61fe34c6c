# SPDX-License-Identifier: MIT
# title: knows the judge
# tries: read its limits, the server's name or version from where it runs, to behave differently when judged
# executors: native
# result: cgroup-files 0
# result: hostname codecrusher|other
# result: environment none
# result: parent-cmdline hidden
# include "attack_py.py"
import socket
say("cgroup-files", sum(os.path.exists("/sys/fs/cgroup/" + f) for f in ("memory.max", "memory.limit_in_bytes", "memory/memory.limit_in_bytes", "pids.max")))
say("hostname", "codecrusher" if socket.gethostname() == "codecrusher" else "other")
say("environment", ",".join(k for k in os.environ if "LIMIT" in k or "CODECRUSHER" in k) or "none")
try:
    text = open(f"/proc/{os.getppid()}/cmdline").read()
except OSError:
    text = ""
say("parent-cmdline", "seen" if "codecrusher" in text else "hidden")
