# SPDX-License-Identifier: MIT
"""Redis restarts, is full, is read-only, is away: a submit that cannot be queued is answered with 503, and nothing that
was acknowledged is lost. These have a Redis of their own."""
import pathlib
import subprocess

import pytest

import backends
import harness
from distributed import Distributed
from harness import wait_until


@pytest.fixture
def own_redis():
    redis = backends.Redis().start()
    yield redis
    redis.remove()


@pytest.fixture
def pair(own_redis, mongo):
    d = Distributed(own_redis, mongo, None)
    yield d
    d.stop()


def submit(api):
    return api.post({"language": "bash", "code": "echo ok"})


def assert_refused(api, why):
    answer = submit(api)
    assert answer.status_code == 503, answer.text
    assert why in answer.json()["error"] and answer.headers["Retry-After"]


def check_all(api, jobs):
    for job in jobs:
        assert api.result(job)["stdout"] == "ok\n"


def queue_up(pair, api, n=5):
    """Acknowledged jobs that nobody runs while the queue is paused."""
    pair.redis.ask("HSET", pair.key("meta"), "paused", 1)
    return [submit(api).json()["jobId"] for _ in range(n)]


def go_on(pair):
    """What the queue has kept is run, as after a resume."""
    pair.redis.ask("HDEL", pair.key("meta"), "paused")
    pair.redis.ask("LMOVE", pair.key("paused"), pair.key("wait"), "LEFT", "RIGHT")
    while pair.redis.ask("LLEN", pair.key("paused")) != "0":
        pair.redis.ask("LMOVE", pair.key("paused"), pair.key("wait"), "LEFT", "RIGHT")
    pair.redis.ask("ZADD", pair.key("marker"), 0, 0)


def test_a_full_redis_refuses_submits_and_loses_nothing(pair):
    api, _ = pair.both()
    jobs = queue_up(pair, api)
    pair.redis.ask("CONFIG", "SET", "maxmemory", 1)
    assert_refused(api, "OOM")
    pair.redis.ask("CONFIG", "SET", "maxmemory", 0)
    go_on(pair)
    check_all(api, jobs)
    assert submit(api).status_code == 200


def test_a_job_that_ends_while_redis_takes_no_writes_is_ended_later(pair):
    api, _ = pair.both()
    job = api.submit("bash", "sleep 1; echo ok")
    api.wait_state(job, "running")
    pair.redis.ask("CONFIG", "SET", "min-replicas-to-write", 1)
    # The store has it. Nobody can be told of it, so it is asked for again and again.
    wait_until(lambda: api.get(f"/api/v1/result?jobId={job}").json()["status"] == "completed", 20, "the result")
    assert pair.redis.ask("LRANGE", pair.key("active"), 0, -1) == job
    pair.redis.ask("CONFIG", "SET", "min-replicas-to-write", 0)
    wait_until(lambda: pair.redis.ask("LLEN", pair.key("active")) == "0", 20, "the queue to learn of the end")
    assert pair.redis.ask("ZSCORE", pair.key("completed"), job)


def test_a_read_only_redis_refuses_submits_and_loses_nothing(pair):
    api, _ = pair.both()
    jobs = queue_up(pair, api)
    # Nobody is there to follow: a replica that keeps what it has.
    pair.redis.ask("REPLICAOF", "127.0.0.1", backends.free_port())
    assert_refused(api, "READONLY")
    pair.redis.ask("REPLICAOF", "NO", "ONE")
    go_on(pair)
    check_all(api, jobs)


def test_a_redis_that_is_away_refuses_submits_and_loses_nothing(pair):
    api, _ = pair.both()
    jobs = queue_up(pair, api)
    pair.redis.stop()
    wait_until(lambda: api.get("/readyz").status_code == 503, 20, "the API to notice")
    assert_refused(api, "Redis at 127.0.0.1")
    assert api.get(f"/api/v1/result?jobId={jobs[0]}").json()["status"] == "Pending"
    pair.redis.start()
    go_on(pair)
    check_all(api, jobs)
    api.wait_ready()
    assert submit(api).status_code == 200


def test_a_redis_without_its_memory_gets_every_acknowledged_job_again(pair):
    pair.worker(CODECRUSHER_RECONCILE=2)
    api = pair.api(CODECRUSHER_RECONCILE=2)
    api.wait_ready()
    jobs = queue_up(pair, api, 20)
    pair.redis.ask("FLUSHALL")
    check_all(api, jobs)
    assert api.log.wait_for("was missing from the queue and was put there again")


def test_who_waits_is_told_after_the_stream_of_events_broke(pair):
    api, _ = pair.both()
    job = api.submit("bash", "sleep 2; echo ok")
    api.wait_state(job, "running")
    pair.redis.ask("CLIENT", "KILL", "TYPE", "normal")
    answer = api.get(f"/api/v1/result?jobId={job}&wait=30")
    assert answer.json()["stdout"] == "ok\n"


def test_a_user_with_a_password_and_a_database_are_taken_from_the_url(pair):
    everything = ("on", ">open sesame", "~*", "&*", "+@all")
    pair.redis.ask("ACL", "SETUSER", "ali", *everything)
    url = f"redis://ali:open%20sesame@127.0.0.1:{pair.redis.port}/3"
    api = harness.Server(verb="serve", **pair.env(REDIS_URL=url))
    pair.started.append(api)
    api.start()
    check_all(api, [submit(api).json()["jobId"]])
    assert pair.redis.ask("-n", 3, "ZCARD", pair.key("completed")) == "1"
    assert pair.redis.ask("-n", 0, "DBSIZE") == "0"


@pytest.mark.parametrize("there, missing", [("REDIS_URL", "MONGO_URL"), ("MONGO_URL", "REDIS_URL")])
def test_half_a_pair_is_refused_with_a_sentence(pair, there, missing, tmp_path):
    env = harness.clean_env(PORT=0, CODECRUSHER_DATA_DIR=tmp_path, **{there: pair.env()[there]})
    done = subprocess.run([harness.PROGRAM, "serve"], env=env, capture_output=True, text=True, timeout=20)
    assert done.returncode == 78
    (line,) = done.stderr.splitlines()
    assert f"set {missing} as well, or leave out {there}" in line


def test_the_driver_leaves_nothing_behind_when_its_process_is_killed(pair):
    """Its counters in shared memory would stay, and be in the way of the next process with that number."""
    api, _ = pair.both()
    assert not pathlib.Path(f"/dev/shm/mongoc-{api.find('engine')}").exists()
