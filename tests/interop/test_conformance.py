# SPDX-License-Identifier: MIT
"""What every client of a BullMQ queue has to keep to, as far as the other tests do not show it by themselves."""
import json
import os
import signal
import subprocess

from distributed import HERE
from harness import wait_until
from test_bullmq_works import open_with_languages, post

WAIT_FOR_JOB = "return await (await queue.getJob(args[0])).waitUntilFinished(events, 30000);"


def entries(distributed, job):
    return [e for e in distributed.events() if e.get("jobId") == job]


def test_our_producer_tells_what_bullmqs_does(distributed):
    api = open_with_languages(distributed)
    job = post(api, "print(1)")
    assert entries(distributed, job) == [
        {"event": "added", "jobId": job, "name": "run"},
        {"event": "waiting", "jobId": job},
    ]
    assert distributed.redis.ask("HGET", distributed.key("meta"), "opts.maxLenEvents") == "10000"
    fields = distributed.redis.ask("HKEYS", distributed.key(job)).split()
    assert {"name", "data", "opts", "timestamp", "delay", "priority"} <= set(fields)
    assert "attemptsMade" not in fields


def test_a_paused_or_full_queue_wakes_nobody(distributed):
    api = open_with_languages(distributed)
    ask, key = distributed.redis.ask, distributed.key
    distributed.node("run.js", "await queue.pause(); return 0;")
    job = post(api, "print(1)")
    assert ask("EXISTS", key("marker")) == "0"
    assert ask("LRANGE", key("paused"), 0, -1) == job and ask("LLEN", key("wait")) == "0"
    assert api.get(f"/api/v1/jobs/{job}").json()["position"] == 0
    assert api.request("DELETE", f"/api/v1/jobs/{job}").json()["status"] == "Cancelled"
    assert ask("LLEN", key("paused")) == "0"
    distributed.node("run.js", "await queue.resume(); await queue.setGlobalConcurrency(1); return 0;")
    ask("DEL", key("marker"))
    ask("LPUSH", key("active"), "someone-elses")
    post(api, "print(2)")
    assert ask("EXISTS", key("marker")) == "0"
    ask("DEL", key("active"))
    post(api, "print(3)")
    assert ask("ZRANGE", key("marker"), 0, -1) == "0"


def test_jobs_are_found_without_a_marker_and_what_is_no_job_is_passed_over(distributed):
    api, _ = distributed.both()
    ask, key = distributed.redis.ask, distributed.key
    # Idle: the next thing the worker does is to wait for a marker.
    wait_until(lambda: "cmd=bzpopmin" in ask("CLIENT", "LIST"), 20, "the worker to wait")
    data = '{"code":"print(7)","language":"python"}'
    ask("HSET", key("quiet"), "name", "x", "data", data, "opts", "{}", "timestamp", 1, "delay", 0, "priority", 0)
    ask("LPUSH", key("wait"), "ghost", "0:123", "quiet")
    wait_until(lambda: api.get("/api/v1/result?jobId=quiet").json().get("stdout") == "7\n", 20, "the job to run")
    assert ask("EXISTS", key("ghost")) == "0" and ask("EXISTS", key("0:123")) == "0"
    assert ask("LLEN", key("wait")) == ask("LLEN", key("active")) == "0"


def test_taking_a_job_wakes_the_next_worker(distributed):
    distributed.worker(CODECRUSHER_CONCURRENCY=1)
    api = distributed.api()
    api.wait_ready()
    job = post(api, "import time; time.sleep(30)")
    api.wait_state(job, "running")
    second = post(api, "string")
    distributed.redis.ask("DEL", distributed.key("marker"))
    # The one who has taken the first is busy; a worker that comes now must not need a marker of its own.
    distributed.node_start("worker.js", '{"drainDelay":60}')
    assert api.result(second)["worker"] == "foreign"
    third = post(api, "string")
    assert api.result(third)["worker"] == "foreign"
    api.request("DELETE", f"/api/v1/jobs/{job}")
    assert api.result(job)["verdict"] == "cancelled"


def test_a_job_longer_than_its_lock_is_not_taken_for_stalled(distributed):
    distributed.worker(CODECRUSHER_LEASE=2)
    api = distributed.api()
    api.wait_ready()
    distributed.node_start("worker.js", '{"stalledInterval":200,"autorun":false}')
    job = post(api, "import time; time.sleep(6); print('mine')")
    result = api.result(job)
    assert result["stdout"] == "mine\n" and result["attempts"] == 1
    assert distributed.redis.ask("HEXISTS", distributed.key(job), "stc") == "0"
    # It did look: whatever runs is a candidate until its worker says that it is alive.
    wait_until(lambda: distributed.redis.ask("EXISTS", distributed.key("stalled-check")) == "1", 10, "a look")


def test_clients_of_bullmq_and_of_another_api_are_told_of_our_jobs(distributed):
    api, _ = distributed.both()
    other = distributed.api()
    other.wait_ready()
    job = post(api, "import time; time.sleep(1); print('told')")
    command = ["node", HERE / "run.js", WAIT_FOR_JOB, job]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=distributed.node_env()) as node:
        waited = other.get(f"/api/v1/result?jobId={job}&wait=30").json()
        told = json.loads(node.communicate(timeout=60)[0])
    assert waited["stdout"] == told["stdout"] == "told\n"
    assert waited["finishedAt"] == told["finishedAt"] == api.result(job)["finishedAt"]


def test_a_job_retried_by_hand_runs_again_and_an_id_that_comes_again_is_another_job(distributed):
    api, _ = distributed.both()
    code = "import random; print(random.random())"
    first = distributed.node(
        "run.js",
        "const j = await queue.add('x', { code: args[0], language: 'python' }, { jobId: 'again' });"
        "return (await j.waitUntilFinished(events, 30000)).stdout;",
        code,
    )
    assert api.result("again")["stdout"] == first
    distributed.node("run.js", "await (await queue.getJob('again')).retry('completed'); return 0;")
    second = api.result("again")
    assert second["verdict"] == "ok" and second["stdout"] != first
    distributed.node("run.js", "await queue.obliterate({ force: true }); return 0;")
    distributed.node(
        "run.js", "await queue.add('x', { code: '1/0', language: 'python' }, { jobId: 'again' }); return 0;"
    )
    assert api.result("again")["verdict"] == "runtime_error"


def test_a_failed_attempt_waits_for_the_producers_backoff(distributed):
    api, worker = distributed.both()
    opts = {"attempts": 2, "backoff": {"type": "fixed", "delay": 700}, "jobId": "backoff"}
    distributed.node(
        "run.js",
        "await queue.add('x', { code: args[0], language: 'bash' }, JSON.parse(args[1])); return 0;",
        "sleep 3; echo at last",
        json.dumps(opts),
    )
    wait_until(lambda: worker.runs("sleep"), 30, "the program to run")
    os.kill(worker.find("spawner"), signal.SIGKILL)
    result = api.result("backoff")
    assert result["stdout"] == "at last\n" and result["attempts"] == 2
    told = entries(distributed, "backoff")
    assert [e["event"] for e in told] == ["added", "waiting", "active", "delayed", "waiting", "active", "completed"]
    made, delay = distributed.node(
        "run.js", "const j = await queue.getJob('backoff'); return [j.attemptsMade, j.processedOn - j.timestamp];"
    )
    assert made == 2 and delay >= 700
