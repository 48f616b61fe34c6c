# SPDX-License-Identifier: MIT
"""Three API servers, four workers, Redis and a store on a host each; jobs flow while all of them are killed, stopped
and cut off from each other. Whatever happens, every acknowledged job has exactly one result.

CHAOS_SEED repeats a run's faults, CHAOS_JOBS says how many jobs (`make chaos`: 5000).
"""
import collections
import json
import os
import random
import re
import time

import pytest

import faults
import harness
from clients import Clients, new_session
from cluster import JOBS, Cluster, run_in

# More for more jobs, but not in proportion: most of a run's time is spent in them.
FAULTS = round(25 * (JOBS / 500) ** 0.5)
ATTEMPTS = 3
TAKEN = re.compile(r"\b(j[0-9a-zA-Z]{20,}).*taken for attempt (\d+)")
GIVEN_BACK = re.compile(r"\b(j[0-9a-zA-Z]{20,}).*given back")


@pytest.fixture
def cluster():
    c = Cluster()
    try:
        yield c.start()
    finally:
        c.remove()


def test_every_acknowledged_job_has_exactly_one_result(cluster):
    seed = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"CHAOS_SEED={seed}")
    plan = faults.draw(random.Random(seed), FAULTS, {"worker": 4, "api": 3})
    trouble = faults.Faults(cluster)
    clients = Clients(cluster, JOBS, seed).start()
    begin = time.monotonic()
    for i, fault in enumerate(plan):
        # In step: every fault meets jobs that were just accepted, some of which run.
        clients.allow(JOBS * (i + 1) // len(plan), 180 * harness.SLOW)
        trouble.begin(fault)
        print(f"{faults.since(begin)}  {len(clients.accepted)} accepted, {len(clients.seen)} ended; {fault}")
    trouble.join()
    print(f"{faults.since(begin)}  no more faults")
    cluster.wait_ready()
    wait_for_results(cluster, clients)
    print(f"{faults.since(begin)}  all have ended; {clients.refused} submits were refused")
    clients.stop()
    check_queue(cluster, clients)
    check_results(cluster, clients)
    check_starts(cluster, clients)


def wait_for_results(cluster, clients):
    def missing():
        return set(clients.accepted) - set(clients.seen)

    # However many there are: as long as some end, others may wait for their turn.
    while missing():
        before = missing()
        what = f"one of {len(before)} jobs to end, such as {sorted(before)[:3]}"
        harness.wait_until(lambda: clients.check() or missing() != before, 120, what)


def check_results(cluster, clients):
    """Every server says the same of each job, and that is what the clients saw."""

    def ask_all():
        session = new_session()
        for job in clients.accepted:
            for node in cluster.servers:
                assert clients.look(session, node, job) is not None, f"{node.host.name} has no result of {job}"

    run_in(cluster.client, ask_all)
    clients.check()
    assert len(clients.accepted) == len(clients.seen) == JOBS
    verdicts = collections.Counter(r["verdict"] for r in clients.seen.values())
    attempts = collections.Counter(r["attempts"] for r in clients.seen.values())
    print(f"verdicts {dict(verdicts)}, attempts {dict(sorted(attempts.items()))}")
    # A job is lost three times in a row only where the faults are that dense.
    assert set(verdicts) <= {"ok", "internal_error"}
    assert verdicts["ok"] >= 0.95 * JOBS
    assert set(attempts) <= set(range(1, ATTEMPTS + 1))


def check_queue(cluster, clients):
    """Nothing is left in the queue, every job in it has ended once, and with the result that the API serves."""
    redis, key = cluster.redis, cluster.key

    def left():
        lists = sum(int(redis.ask("LLEN", key(name))) for name in ("wait", "paused", "active"))
        return lists + sum(int(redis.ask("ZCARD", key(name))) for name in ("prioritized", "delayed"))

    harness.wait_until(lambda: left() == 0, 60, "the queue to be empty")
    ended = [redis.ask("ZRANGE", key(state), 0, -1).split() for state in ("completed", "failed")]
    assert not set(ended[0]) & set(ended[1])
    known = set(ended[0]) | set(ended[1])
    assert known >= set(clients.accepted), sorted(set(clients.accepted) - known)[:3]
    harness.wait_until(lambda: redis.ask("KEYS", key("*:lock")) == "", 10, "the last lock to be gone")
    for job, result in zip(ended[0], returned(cluster)):
        served = clients.seen.get(job)
        assert not served or json.loads(result)["stdout"] == served["stdout"], f"{job}: {result} but {served}"
    told = collections.Counter(re.findall(r"event\n(?:completed|failed)\njobId\n(\S+)", events(cluster)))
    assert set(told.values()) == {1}, [job for job, n in told.items() if n > 1][:3]


def returned(cluster):
    """What the queue has as the results of completed jobs, in the order of their end."""
    script = "local r = {} for i, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do"
    script += " r[i] = redis.call('HGET', ARGV[1] .. id, 'returnvalue') end return r"
    return cluster.redis.ask("EVAL", script, 1, cluster.key("completed"), cluster.key("")).splitlines()


def events(cluster):
    return cluster.redis.ask("XRANGE", cluster.key("events"), "-", "+")


def check_starts(cluster, clients):
    """No job was started more often than its attempts allow. One that a worker gave back unharmed (its spawner died
    before the program began, it was drained) may be started once more for that."""
    starts, given_back = collections.Counter(), collections.Counter()
    for node in cluster.workers:
        for log in node.logs:
            for line in log.lines:
                for counter, pattern in ((starts, TAKEN), (given_back, GIVEN_BACK)):
                    found = pattern.search(line)
                    if found:
                        counter[found.group(1)] += 1
                if TAKEN.search(line):
                    assert int(TAKEN.search(line).group(2)) <= ATTEMPTS, line
    assert set(starts) >= {job for job, r in clients.seen.items() if r["verdict"] == "ok"}
    too_often = {job: n for job, n in starts.items() if n - given_back[job] > ATTEMPTS}
    print(f"{sum(starts.values())} starts, {sum(given_back.values())} given back")
    assert not too_often
