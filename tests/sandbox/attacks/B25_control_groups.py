# SPDX-License-Identifier: MIT
# title: control groups
# tries: see its limits, leave its group, or name a release agent
# result: listed ENOENT|0
# result: mounted 0
# result: paths /
# result: release_agent cgroup.procs memory.max ENOENT|EACCES|EROFS|EPERM
# include "attack_py.py"
attempt("listed", lambda: os.listdir("/sys/fs/cgroup"))
say("mounted", sum(" cgroup" in line.split(" - ")[1][:7] and os.access(line.split()[4], os.W_OK) for line in open("/proc/self/mountinfo")))
say("paths", ",".join(sorted({line.rstrip("\n").split(":")[2] for line in open("/proc/self/cgroup")})))
for name in ("release_agent", "cgroup.procs", "memory.max"):
    attempt(name, lambda: open("/sys/fs/cgroup/" + name, "w").write("0"))
