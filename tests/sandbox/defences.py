#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Takes each defence away, one at a time, and shows that attacks get through without it: a defence that no attack needs
is not known to work. Needs root, and a build with -Dwithout_defence=true (`make defences`); see src/sandbox/defence.h.

    defences.py [--only NAME ...]       every row of the table below is true
    defences.py --write                 ... and writes docs/defences.md from it
    defences.py --search NAME [--with A05 --with B]
                                        which attacks fail without this one: for a new row

An attack is a file of attacks/ by its id; or "engine:" and a test of src/sandbox/hostile*_test.c; or "waiting",
which takes over the processes of a slot that has no program yet (waiting.py).
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
if __name__ == "__main__":
    os.environ["CODECRUSHER_BUILD"] = "build-defences"
sys.path[:0] = [str(HERE), str(ROOT / "tests")]
import attack  # noqa: E402
import attackfile  # noqa: E402
import harness  # noqa: E402
import waiting  # noqa: E402

SPAWNER = harness.BUILD / "src/sandbox/codecrusher-spawner"
PAGE = ROOT / "docs/defences.md"

# Each defence of src/sandbox/defence.h, and attacks that fail an expectation without it.
CAUGHT_BY = {
    "job-filter": ["B01", "B03", "B06"],
    "init-filter": ["waiting"],
    "slot-uid": ["F80"],
    "init-uid": ["B81"],
    "capabilities": ["waiting"],
    "init-capabilities": ["waiting"],
    "bounding-set": ["B14", "B81"],
    "groups": ["B81"],
    "no-new-privs": ["B81"],
    "session": ["B81"],
    "net-namespace": ["B81"],
    "ipc-namespace": ["A13"],
    "uts-namespace": ["B81"],
    "cgroup-namespace": ["B81"],
    "root-read-only": ["B83"],
    "mount-flags": ["B83"],
    "dev-minimal": ["B81"],
    "proc-hidepid": ["B81"],
    "proc-mask": ["B82"],
    "proc-read-only": ["B82"],
    "open-files": ["B81"],
    "pipe-modes": ["B81"],
    "box-bytes": ["B80"],
    "box-inodes": ["A09"],
    "memory-limit": ["A05"],
    "pids-limit": ["B80"],
    "oom-kill": ["A91"],
    "oom-score": ["B80"],
    "cpu-limit": ["A20"],
    "wall-limit": ["A90"],
    "rlimit-nofile": ["B80"],
    "rlimit-stack": ["B80"],
    "rlimit-core": ["B80"],
    "rlimit-memlock": ["A18", "B80"],
    "rlimit-sigpending": ["A25", "B80"],
    "rlimit-fsize": ["B80"],
    "rlimit-cpu": ["B80"],
    "collect-rules": ["engine:what_is_collected_is_a_regular_file_of_the_program"],
    "seal-check": ["engine:nothing_but_a_sealed_memfd_is_taken"],
    "maxima": ["engine:limits_beyond_the_maxima_are_cut"],
    "run-ids": ["engine:an_id_serves_one_run_at_a_time_and_may_be_used_again"],
}

HEAD = """# Each defence and what gets through without it

Every line of this table is tried: the defence is switched off, alone, in a build made for nothing else, and each attack
that is named must then fail an expectation which it meets with all of them on. So each defence is needed, and each of
these attacks notices when it is gone. `make defences` does it, as root, in a few minutes.

The attacks are described in [attacks.md](attacks.md); those that begin with `engine:` are tests of an engine that was
taken over, in `hostile*_test.c` of [`src/sandbox`](../src/sandbox); `waiting` takes over, from the host, the processes
of a slot that has no program yet, and tries what they must not be able to do
([`tests/sandbox/waiting.py`](../tests/sandbox/waiting.py)). How the switch works, and why no program that is released has
one, is said in [`src/sandbox/defence.h`](../src/sandbox/defence.h).

Without a switch, because nothing is left to try without them: the pid and mount namespaces, the pivot into the slot's
own root, and the end of all of a slot's processes with its init. RLIMIT_RTPRIO, RLIMIT_NICE and RLIMIT_MSGQUEUE have
none because they only matter where whoever starts the service has more than the kernel's defaults; nor has the limit on
swap, which shows only on a machine that swaps. Limits of memory, time, processes and disk are not taken away but made
four times as large.

This page is made by `tests/sandbox/defences.py --write`.

"""


class Spawner:
    """A copy of the spawner with a word beside it: which defence it does without."""

    def __init__(self, defence=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="codecrusher-without-"))
        self.directory.chmod(0o755)
        self.path = self.directory / SPAWNER.name
        shutil.copy(SPAWNER, self.path)
        if defence:
            (self.directory / "without").write_text(defence + "\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)


def names():
    """{name: what it is} of every defence, from the program itself."""
    text = subprocess.run([SPAWNER, "--defences"], capture_output=True, text=True, check=True).stdout
    return dict(line.split("\t", 1) for line in text.splitlines())


def remove_ipc(settings):
    """What a program leaves in the host's IPC namespace, when it was given that."""
    uids = range(settings.uid_base, settings.uid_base + harness.UID_RANGE)
    for kind, flag in (("shm", "-m"), ("sem", "-s"), ("msg", "-q")):
        head, *lines = pathlib.Path("/proc/sysvipc", kind).read_text().splitlines()
        columns = head.split()
        for line in lines:
            row = dict(zip(columns, line.split()))
            if int(row["uid"]) in uids:
                subprocess.run(["ipcrm", flag, row[kind + "id"]], check=True)


def hostile_program(test):
    """The program that has this test."""
    having = [p.stem for p in ROOT.glob("src/sandbox/hostile*_test.c") if f"TEST({test})" in p.read_text()]
    assert len(having) == 1, f"{test} is in {having or 'no src/sandbox/hostile*_test.c'}"
    return harness.BUILD / "src/sandbox" / having[0]


def hostile_engine(spawner, test):
    """What the test says when it fails, or None."""
    program = hostile_program(test)
    done = subprocess.run(
        [program, test],
        env=harness.clean_env(CODECRUSHER_SPAWNER=spawner.path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert test in done.stdout, f"{program.name} ran no {test}: {done.stdout}"
    return None if done.returncode == 0 else done.stdout.strip().splitlines()[-1]


def program_attacks(spawner, wanted):
    """[(id, None or what was seen)]"""
    server = harness.Server(CODECRUSHER_SPAWNER=spawner.path).start()
    try:
        target = attack.Target(server.url, program=harness.PROGRAM).start()
        if "waiting" in wanted:
            yield "waiting", "; ".join(sorted(set(waiting.wrong(server))))[:160] or None
        for one in attackfile.load([w for w in wanted if w != "waiting"]) if wanted != ["waiting"] else []:
            why = attack.why_not(target, one)
            assert not why, f"{one.id} cannot be made here: {why}"
            failures = attack.run_attack(target, one)
            yield one.id, describe(failures)
        server.stop()
    finally:
        remove_ipc(server.settings)
        server.kill()


def describe(failures):
    if not failures:
        return None
    f = failures[0]
    return f"{f['check']} {f['name']}: expected {f['expected']}, seen {f['seen']}"[:160]


def outcomes(defence, wanted):
    """[(attack, None when it was held or what was seen)] without this defence; None: with all."""
    engine = [w for w in wanted if w.startswith("engine:")]
    programs = [w for w in wanted if w not in engine]
    with Spawner(defence) as spawner:
        if programs:
            yield from program_attacks(spawner, programs)
        for name in engine:
            yield name, hostile_engine(spawner, name.removeprefix("engine:"))


def baseline(rows):
    """With every defence on, all of these attacks are held: a failure without one is its absence."""
    everything = sorted({a for attacks in rows.values() for a in attacks})
    print(f"with all defences: {len(everything)} attacks")
    return [f"{name} fails with all defences on: {seen}" for name, seen in outcomes(None, everything) if seen]


def check(rows):
    problems = baseline(rows)
    for defence, attacks in rows.items():
        for name, seen in outcomes(defence, attacks):
            print(f"{defence:18} {name:8} {'caught: ' + seen if seen else 'HELD'}", flush=True)
            if not seen:
                problems.append(f"without {defence}, {name} fails no expectation")
    return problems


def table(what):
    lines = ["| defence | what it is | without it these attacks fail |", "|---|---|---|"]
    for name, text in what.items():
        lines.append(f"| `{name}` | {text} | {', '.join(f'`{a}`' if ':' in a else a for a in CAUGHT_BY[name])} |")
    return HEAD + "\n".join(lines) + "\n"


def is_complete(what):
    """Every defence has a row, and every row a defence."""
    problems = [f"{name} has no attack that needs it" for name in what if not CAUGHT_BY.get(name)]
    return problems + [f"{name} is no defence" for name in CAUGHT_BY if name not in what]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--search", metavar="NAME")
    parser.add_argument("--with", action="append", default=[], metavar="ATTACK", dest="attacks")
    options = parser.parse_args()
    # For the spawner to inherit: without a group there is none to drop.
    os.setgroups([0, 4])
    what = names()
    if options.search:
        wanted = options.attacks or [a.id for a in attackfile.load()]
        for name, seen in outcomes(options.search, wanted):
            print(f"{options.search:18} {name:8} {'caught: ' + seen if seen else 'held'}", flush=True)
        return 0
    problems = is_complete(what)
    rows = {n: CAUGHT_BY[n] for n in what if n in CAUGHT_BY and (not options.only or n in options.only)}
    problems += check(rows)
    if not problems and options.write:
        PAGE.write_text(table(what))
    elif not problems and not options.only and PAGE.read_text() != table(what):
        problems.append("docs/defences.md is not made from this table: defences.py --write")
    print("\n".join(problems) or f"{len(rows)} defences, each needed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
