# SPDX-License-Identifier: MIT
"""Whatever dies, every acknowledged job has exactly one terminal result, and nobody ever saw two."""
import os
import random
import signal
import threading
import time

import pytest
import requests

import harness

JOBS = 500 if harness.SANITIZED else 2000
KILLS = 20
ROLES = ["monitor", "engine", "spawner", "builder"]


class Client:
    """Submits jobs and looks at results, through every outage. A submit whose answer got lost may have been
    accepted or not: only acknowledged jobs count."""

    def __init__(self, server, jobs, stopped):
        self.server, self.todo, self.stopped = server, jobs, stopped
        self.accepted = []
        self.seen = {}
        self.conflicts = []
        self.lock = threading.Lock()

    def session(self):
        s = requests.Session()
        s.trust_env = False
        return s

    def submitter(self, numbers):
        session = self.session()
        for n in numbers:
            body = {"language": "bash", "code": f"echo {n} $RANDOM$RANDOM"}
            while not self.stopped.is_set():
                try:
                    answer = session.post(self.server.url + "/api/v1/submit", json=body, timeout=10)
                except requests.RequestException:
                    time.sleep(0.02)
                    continue
                if answer.status_code == 200:
                    with self.lock:
                        self.accepted.append((answer.json()["jobId"], n))
                    break
                assert answer.status_code == 503, answer.text
                time.sleep(0.02)

    def watcher(self, rng):
        session = self.session()
        while not self.stopped.is_set():
            with self.lock:
                some = rng.sample(self.accepted, min(20, len(self.accepted)))
            for job, n in some:
                try:
                    self.look(session, job, n)
                except requests.RequestException:
                    time.sleep(0.02)
            if not some:
                time.sleep(0.02)

    def look(self, session, job, n):
        with self.lock:
            seen = self.seen.get(job)  # before the question: the answers to two at once may overtake each other
        answer = session.get(self.server.url + f"/api/v1/result?jobId={job}", timeout=10)
        if answer.status_code == 503:
            return None
        assert answer.status_code == 200, f"acknowledged {job} says {answer.status_code} {answer.text}"
        body = answer.json()
        if body.get("status") == "Pending":
            if seen:
                self.conflicts.append((job, seen, body))
            return None
        with self.lock:
            before = self.seen.setdefault(job, body)
            if before != body:
                self.conflicts.append((job, before, body))
        if body["verdict"] == "ok":
            assert body["stdout"].split()[0] == str(n)
        return body


class Guard(threading.Thread):
    """A thread whose failure fails the test."""

    def __init__(self, target, *args):
        super().__init__(daemon=True)
        self.call, self.problem = (target, args), None
        self.start()

    def run(self):
        try:
            self.call[0](*self.call[1])
        except BaseException as problem:
            self.problem = problem


@pytest.fixture
def server():
    s = harness.Server().start()
    yield s
    s.kill()


def test_every_acknowledged_job_has_exactly_one_result(server):
    seed = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"CHAOS_SEED={seed}")
    rng = random.Random(seed)
    stopped = threading.Event()
    client = Client(server, JOBS, stopped)
    submitters = [Guard(client.submitter, range(i, JOBS, 8)) for i in range(8)]
    watchers = [Guard(client.watcher, random.Random(seed + i)) for i in range(2)]

    victims = (ROLES * KILLS)[:KILLS]
    rng.shuffle(victims)
    for i, role in enumerate(victims):
        # Spread over the submissions, so that every kill meets a busy server.
        at = JOBS * i // KILLS
        harness.wait_until(lambda at=at: len(client.accepted) >= at, 60, f"{at} accepted jobs before kill {i}")
        kill(server, role)
    for thread in submitters:
        thread.join(120 * harness.SLOW)
        assert not thread.is_alive(), "submits are refused for ever"
        assert thread.problem is None, thread.problem
    server.wait_ready(30)

    session = client.session()
    results = {}
    for job, n in client.accepted:
        results[job] = harness.wait_until(
            lambda job=job, n=n: client.look(session, job, n), 60, f"a result of {job} (CHAOS_SEED={seed})"
        )
    stopped.set()
    for thread in watchers:
        thread.join(30)
        assert thread.problem is None, thread.problem
    assert client.conflicts == []
    assert len(results) == JOBS == len({job for job, _ in client.accepted})

    # Not the program's fault, so seldom more than a few: three lost attempts end a job as internal_error.
    verdicts = [r["verdict"] for r in results.values()]
    assert set(verdicts) <= {"ok", "internal_error"}
    assert verdicts.count("ok") >= JOBS - KILLS * 4, verdicts.count("internal_error")
    assert all(1 <= r["attempts"] <= 3 for r in results.values())

    # A last look, after a last clean restart.
    server.signal()
    assert server.wait_exit() == 0
    server.start()
    for job, _ in rng.sample(client.accepted, 200):
        assert server.result(job) == results[job]


def kill(server, role):
    """SIGKILLs one process. A monitor that died is started again once all that was below it is gone, as a
    service manager would."""
    if role != "monitor":
        harness.wait_until(lambda: killed(server.find(role)), 20, f"a {role} to kill")
        return
    pid = server.find(role)
    orphans = [p for p in server.tree() if harness.uid_of(p) is not None]
    os.kill(pid, signal.SIGKILL)
    server.process.wait()
    harness.wait_until(
        lambda: not [p for p in orphans if alive(p)], 20, "everything below the killed monitor to end"
    )
    server.start(ready=False)


def killed(pid):
    """False when there is none, or when it went just before, with the process killed last."""
    try:
        return bool(pid) and os.kill(pid, signal.SIGKILL) is None
    except ProcessLookupError:
        return False


def alive(pid):
    found = harness.processes().get(pid)
    return found is not None and found[2] != "Z"


@pytest.mark.parametrize("role", ["engine", "spawner", "builder"])
def test_a_running_job_survives_the_end_of(server, role):
    job = server.submit("bash", "sleep 1; echo done")
    server.wait_state(job, "running")
    kill(server, role)
    server.wait_ready(30)
    r = server.result(job)
    assert (r["verdict"], r["stdout"]) == ("ok", "done\n"), r


def test_a_worker_that_dies_every_time_ends_the_job_with_a_sentence(server):
    job = server.submit("bash", "sleep 30")
    for _ in range(3):
        server.wait_ready(30)
        harness.wait_until(lambda: server.runs("sleep"), 30, "the program itself to run")
        kill(server, "spawner")
        harness.wait_until(lambda: not server.runs("sleep"), 30, "the program to end with the spawner")
    r = server.result(job)
    assert (r["status"], r["verdict"], r["exitCode"]) == ("failed", "internal_error", None)
    assert r["attempts"] == 3
    assert " " in r["response"]


def test_a_monitor_that_dies_takes_everything_with_it(server):
    job = server.submit("bash", "sleep 60")
    server.wait_state(job, "running")
    below = server.tree()
    assert below
    server.process.kill()
    server.process.wait()
    harness.wait_until(lambda: not [p for p in below if alive(p)], 10, "engine, spawner and slots to end")
    harness.wait_until(lambda: not server.settings.processes(), 10, "the programs to end")
