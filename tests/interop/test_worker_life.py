# SPDX-License-Identifier: MIT
"""Workers come, drain, end and die; what an API says of them, and what becomes of their jobs."""
import signal

from harness import wait_until


def listed(api):
    return {w["id"]: w for w in api.get("/api/v1/workers").json()["workers"]}


def slots(api):
    return api.metric("codecrusher_worker_slots")


def test_a_draining_worker_ends_its_job_and_loses_none(distributed):
    first = distributed.worker(CODECRUSHER_CONCURRENCY=1, CODECRUSHER_SHUTDOWN_TIMEOUT=0)
    api = distributed.api()
    api.wait_ready()
    wait_until(lambda: len(listed(api)) == 1 and slots(api) == 1, 20, "the worker to be listed")
    (leaving,) = listed(api)
    long = api.submit("python", "import time; time.sleep(4); print('whole')")
    api.wait_state(long, "running")
    first.signal(signal.SIGUSR1)
    wait_until(lambda: listed(api)[leaving]["draining"], 20, "the worker to drain")
    assert listed(api)[leaving]["languages"] == {}
    wait_until(lambda: slots(api) == 0, 20, "its slots to be counted no more")
    # Nobody takes a new job until there is another worker.
    assert api.post({"language": "python", "code": "print(2)"}).status_code == 503
    distributed.worker()
    api.wait_ready()
    assert api.run("python", "print(2)")["stdout"] == "2\n"
    assert first.wait_exit(60) == 0
    distributed.started.remove(first)
    result = api.result(long)
    assert result["stdout"] == "whole\n" and result["attempts"] == 1
    wait_until(lambda: leaving not in listed(api), 20, "the drained worker to be forgotten")
    assert len(listed(api)) == 1


def test_every_api_counts_all_ends_of_the_queue(distributed):
    api, _ = distributed.both()
    other = distributed.api()
    other.wait_ready()
    assert api.run("python", "print(1)")["verdict"] == "ok"
    distributed.node("run.js", "await queue.add('x', {}, { jobId: 'bad' }); return 0;")
    assert api.result("bad")["verdict"] == "internal_error"
    for server in (api, other):
        for state in ("completed", "failed"):
            wait_until(lambda: server.metric("codecrusher_queue_ended_total", state=state) == 1, 20, f"{state} to be 1")


def test_a_dead_worker_is_listed_as_dead(distributed):
    api, worker = distributed.both()
    wait_until(lambda: len(listed(api)) == 1, 20, "the worker to be listed")
    worker.kill()
    distributed.started.remove(worker)
    (dead,) = listed(api)
    wait_until(lambda: not listed(api)[dead]["alive"], 30, "the dead worker to be noticed")
    wait_until(lambda: api.metric("codecrusher_workers") == 0, 5, "nobody to be counted")
    wait_until(lambda: api.get("/readyz").status_code == 503, 5, "the API to say that nothing can be run")
