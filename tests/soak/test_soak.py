# SPDX-License-Identifier: MIT
"""Many jobs of all kinds at full concurrency, a tenth of them hostile, and nothing that grows: descriptors, memory,
processes, control groups, mounts, disk. Every result is the right one.

`make soak` runs 20,000; SOAK_JOBS=… another number (600 in `make test`), SOAK_SEED=… the same mix again. Results live
for three seconds only, so that sweeping them is part of it.
"""
import collections
import copy
import os
import pathlib
import random
import sqlite3
import sys
import threading
import time

import pytest

import harness

sys.path.insert(0, str(harness.ROOT / "tests/sandbox"))
import attack  # noqa: E402
import attackfile  # noqa: E402

JOBS = int(os.environ.get("SOAK_JOBS", "150" if harness.SANITIZED else "600"))
TTL_S = 3
CLIENTS = 2 * (os.cpu_count() or 1) + 2
# An attack that takes longer is left to tests/sandbox: ten thousand jobs should not be a day of waiting for limits.
QUICK_S = 0.8
# After the warm-up, at rest: what may be more at the end. Memory is resident KiB; most of the engine's is SQLite's cache.
ROOM = {"resident KiB of engine": 8 << 10, "resident KiB of spawner": 1 << 10, "resident KiB of monitor": 512,
        "resident KiB of builder": 512, "descriptors of engine": 2, "descriptors of spawner": 2, "file-nr": None, "aio-nr": None}
DISK_MAX = 96 << 20  # bytes of the data directory, at any time

Kind = collections.namedtuple("Kind", "weight language code fields expected")


def kinds():
    """What the good ones do. `expected` is a part of the result; N in code and expectation is the job's number."""
    return [
        Kind(30, "bash", "echo N", {}, {"verdict": "ok", "stdout": "N\n", "stderr": "", "exitCode": 0}),
        Kind(6, "bash", 'read x; echo "$1-$V-$x"; exit 3', {"args": ["a"], "env": {"V": "b"}, "stdin": "N\n"},
             {"verdict": "runtime_error", "stdout": "a-b-N\n", "exitCode": 3}),
        Kind(3, "bash", "kill -SEGV $$", {}, {"verdict": "runtime_error", "signal": "SIGSEGV", "exitCode": None}),
        Kind(3, "bash", "cat lib/data; rm -r lib; ls", {"files": [{"name": "lib/data", "content": "N"}]},
             {"verdict": "ok", "stdout": "Nmain.sh\n"}),
        Kind(1, "bash", "head -c 1000000 /dev/zero | tr '\\0' x", {}, {"verdict": "ok", "stdout": "x" * 1000000}),
        Kind(28, "python", "print(sum(range(N)))", {}, {"verdict": "ok", "stderr": ""}),
        Kind(5, "python", "import threading\nt = threading.Thread(target=print, args=(N,))\nt.start(); t.join()", {},
             {"verdict": "ok", "stdout": "N\n"}),
        Kind(3, "python", "raise KeyError(N)", {}, {"verdict": "runtime_error", "exitCode": 1, "stdout": ""}),
        Kind(12, "javascript", "console.log([N].map(x => x + 1)[0] - 1)", {}, {"verdict": "ok", "stdout": "N\n"}),
        Kind(6, "c", "#include <stdio.h>\nint main(void) { return printf(\"%d\\n\", N) < 0; }", {},
             {"verdict": "ok", "stdout": "N\n"}),
        Kind(2, "c", "int main(void) { return N }", {}, {"verdict": "compile_error"}),
        Kind(1, "cpp", "#include <iostream>\nint main() { std::cout << N << std::endl; }", {},
             {"verdict": "ok", "stdout": "N\n"}),
    ]  # fmt: skip


def filled(value, number):
    if isinstance(value, str):
        return value.replace("N", str(number))
    if isinstance(value, list):
        return [filled(v, number) for v in value]
    if isinstance(value, dict):
        return {k: filled(v, number) for k, v in value.items()}
    return value


class Soak:
    def __init__(self, server, seed):
        self.server, self.rng = server, random.Random(seed)
        # Limits and bounds of times are for a quiet machine; here as many run at once as there is room for.
        self.target = attack.Target(server.url, slow=2 * harness.SLOW)
        self.patient = copy.copy(self.target)
        self.patient.slow = 20 * harness.SLOW
        self.kinds = [k for k in kinds() if k.language in self.target.available]
        self.hostile = []
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.failures = []
        self.disk = 0
        self.last = collections.deque(maxlen=20)  # ids of jobs

    # ---- jobs

    def good(self, number):
        kind = self.rng.choices(self.kinds, [k.weight for k in self.kinds])[0]
        body = {"language": kind.language, "code": filled(kind.code, number), **filled(kind.fields, number)}
        expected = filled(kind.expected, number)
        if "sum(range" in kind.code:
            expected["stdout"] = f"{sum(range(number))}\n"

        def run():
            status, result = self.target.run(body)
            seen = {k: result.get(k) for k in expected}
            self.last.append(result.get("jobId"))
            return kind.language, [] if (status, seen) == (200, expected) else [(body, status, seen, result.get("error"))]

        return run

    def bad(self, one):
        def run():
            failures = []
            for job in one.jobs:
                for _ in range(job.times):
                    status, result = attack.run_job(self.target, one, job)
                    self.last.append(result.get("jobId"))
                    failures += attack.check_job(self.patient, one, job, status, result)
            return "hostile", failures

        return run

    def plan(self, jobs):
        return [
            self.bad(self.rng.choice(self.hostile)) if self.hostile and n % 10 == 9 else self.good(n)
            for n in range(jobs)
        ]

    def work(self, plan):
        """Runs all of it, CLIENTS at once."""
        queue = iter(plan)

        def client():
            while True:
                with self.lock:
                    job = next(queue, None)
                if job is None or len(self.failures) > 20:
                    return
                try:
                    kind, failures = job()
                except Exception as problem:  # told with the others
                    kind, failures = "broken", [repr(problem)]
                with self.lock:
                    self.counts[kind] += 1
                    self.failures += failures

        threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def choose_hostile(self):
        """Each attack once, which warms all that an attack can warm; those that are quick stay. A short run takes some of
        them."""
        took = {}

        def timed(one):
            run = self.bad(one)

            def job():
                begin = time.monotonic()
                kind, failures = run()
                took[one.id] = (time.monotonic() - begin, one)
                return kind, failures

            return job

        single = [a for a in attackfile.load() if not a.together and not any(j.expected.refused for j in a.jobs)]
        if JOBS < 2000:
            single = self.rng.sample(single, min(40, len(single)))
        self.work([timed(a) for a in single if not attack.why_not(self.target, a)])
        self.hostile = [one for seconds, one in took.values() if seconds / CLIENTS < QUICK_S * harness.SLOW]

    # ---- the machine

    def at_rest(self):
        """The numbers of hoststate once they stay as they are, and the size of the data directory."""
        self.target.host.settle(60 * harness.SLOW)
        now = dict(self.target.host.idle)
        now["bytes of the data directory"] = self.disk_now()
        return now

    def disk_now(self):
        used = 0
        for path in pathlib.Path(self.server.settings.data_dir).rglob("*"):
            try:
                used += path.stat().st_blocks * 512
            except FileNotFoundError:
                pass
        self.disk = max(self.disk, used)
        return used


def grown(before, after):
    """{what: (before, after)} of all that is more than it may be."""
    found = {}
    for name, value in before.items():
        room = ROOM.get(name, 0)
        if name == "who" or name.startswith("bytes") or room is None or (harness.SANITIZED and "resident" in name):
            continue
        if after.get(name) is None or after[name] > value + room:
            found[name] = (value, after.get(name))
    return found


SHOWN = ["resident KiB of engine", "resident KiB of spawner", "resident KiB of monitor", "descriptors of engine",
         "descriptors of spawner", "processes below the monitor", "control groups", "mounts of the spawner",
         "bytes of the data directory"]  # fmt: skip


def row(jobs, now):
    return f"| {jobs} | " + " | ".join(str(now.get(name)) for name in SHOWN) + " |"


@pytest.mark.embedded
def test_nothing_grows_and_every_result_is_right(start_server):
    seed = int(os.environ.get("SOAK_SEED", random.SystemRandom().randrange(2**32)))
    # Compiled programs are kept: here so few that their bound is met, and not taken for growth.
    # A fixed number of warm slots: else how many there are follows how many jobs come.
    server = start_server(CODECRUSHER_RESULT_TTL=TTL_S, CODECRUSHER_COMPILE_CACHE="8M", CODECRUSHER_WARM_SLOTS=2)
    soak = Soak(server, seed)
    soak.choose_hostile()
    soak.work(soak.plan(min(500, JOBS // 4)))  # the warm-up: allocators, caches, statements
    assert not soak.failures, soak.failures[:5]
    assert len(soak.hostile) >= 10, [a.id for a in soak.hostile]
    first = soak.at_rest()
    print(f"SOAK_SEED={seed}, {JOBS} jobs, {CLIENTS} clients, hostile: {' '.join(a.id for a in soak.hostile)}")
    print("| jobs | " + " | ".join(SHOWN) + " |\n|" + "---|" * (len(SHOWN) + 1))
    print(row(0, first))

    begin, soak.counts = time.monotonic(), collections.Counter()
    plan, steps = soak.plan(JOBS), 5 if JOBS < 5000 else 10
    for step in range(1, steps + 1):
        done = JOBS * step // steps
        soak.work(plan[JOBS * (step - 1) // steps : done])
        assert not soak.failures, soak.failures[:5]
        now = soak.at_rest()
        print(row(done, now))
        assert soak.disk < DISK_MAX, f"{soak.disk} bytes in the data directory"
    took = time.monotonic() - begin
    print(f"{sum(soak.counts.values())} jobs in {took:.0f} s: {dict(soak.counts)}")
    assert sum(soak.counts.values()) == JOBS and soak.counts["hostile"] == JOBS // 10
    assert not grown(first, now), grown(first, now)
    assert now["who"] == first["who"], "no process was replaced"

    # When the youngest results are gone, all are; then nothing is left in the database.
    def is_gone(job):
        return server.get(f"/api/v1/result?jobId={job}").status_code == 404

    harness.wait_until(lambda: all(is_gone(job) for job in soak.last), 60, "the last results to be swept")
    server.signal()
    assert server.wait_exit() == 0
    connection = sqlite3.connect(server.settings.data_dir / "codecrusher.db")
    for table in ("jobs", "waiting", "leases"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    connection.close()
