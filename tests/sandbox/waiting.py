# SPDX-License-Identifier: MIT
"""A slot that waits for its program, seen from the host: what its processes could do if somebody took them over. Init
stays beside the program until the end; the other process reads what the engine sends, and becomes the program."""
import pathlib
import subprocess
import tempfile

TAKE_OVER = pathlib.Path(__file__).parent / "programs/take_over.c"
CAP_KILL = 1 << 5
# What /proc/<pid>/status says when everything is in force: by seccomp filters alone, no way to more rights.
IN_FORCE = {"Seccomp": "2", "NoNewPrivs": "1", "Groups": "", "CapInh": 0, "CapBnd": 0, "CapAmb": 0}

# What somebody who took it over gets from the kernel. The init of a slot has no use for any of these calls; the other
# is about to become a program, with a program's filter.
REFUSED = {
    "init": {
        **dict.fromkeys("openat execve socket unshare mount ptrace bpf setgid setuid".split(), "ENOSYS"),
        **dict.fromkeys("kill code".split(), "EPERM"),
    },
    "job": {**dict.fromkeys("unshare mount ptrace bpf setgid setuid".split(), "EPERM"), "socket": "EAFNOSUPPORT"},
}


def take_over(pid):
    """{call: errno or "0"} of calls made in that process, which goes on afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        program = pathlib.Path(directory, "take_over")
        subprocess.run(["gcc", "-D_GNU_SOURCE", "-O1", "-o", program, TAKE_OVER], check=True)
        done = subprocess.run([program, str(pid)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


def status(pid):
    text = pathlib.Path("/proc", str(pid), "status").read_text()
    fields = dict(line.split(":", 1) for line in text.splitlines())
    return {k: int(v, 16) if k.startswith("Cap") else v.strip() for k, v in fields.items()}


def processes(server):
    """(inits, what waits to become a program) of all slots: each the statuses."""
    alive = [status(pid) for pid in server.settings.processes()]
    in_slot = [s for s in alive if len(s["NSpid"].split()) > 1]
    inits = [s for s in in_slot if s["NSpid"].split()[-1] == "1"]
    return inits, [s for s in in_slot if s not in inits and s["Name"].startswith("codecrusher")]


def wrong(server):
    """["init CapEff: 3f, not 20"]: none when all is in force. One slot is taken over for a moment."""
    inits, waiting = processes(server)
    assert inits and waiting, "there is no slot"
    problems = []
    for name, group, caps in (("init", inits, CAP_KILL), ("job", waiting, 0)):
        for process in group:
            expected = {**IN_FORCE, "CapEff": caps, "CapPrm": caps}
            for field, value in expected.items():
                if process[field] != value:
                    problems.append(f"{name} {field}: {process[field]}, not {value}")
        for call, answer in take_over(group[0]["Pid"]).items():
            if answer != REFUSED[name].get(call, answer):
                problems.append(f"{name} taken over: {call}: {answer}, not {REFUSED[name][call]}")
    uids = [process["Uid"].split()[0] for process in inits + waiting]
    if len(set(uids)) != len(uids):
        problems.append("two processes have one uid")
    return problems
