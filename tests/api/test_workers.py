# SPDX-License-Identifier: MIT
"""GET /api/v1/workers: who runs the programs."""
import datetime
import socket

from harness import wait_until


def workers(server):
    answer = server.get("/api/v1/workers")
    assert answer.status_code == 200, answer.text
    return answer.json()["workers"]


def the_worker(server):
    """The one that takes jobs; distributed, one that was shut down just now may still be in the list."""
    (one,) = [w for w in workers(server) if w["alive"] and not w["draining"]]
    return one


def test_the_worker_tells_what_it_is_and_can_run(server):
    wait_until(lambda: the_worker(server)["languages"], 20, "the worker to tell its languages")
    w = the_worker(server)
    assert w["slots"] >= 1 and 0 <= w["running"] <= w["slots"]
    assert w["host"] == socket.gethostname()
    able = {entry["name"] for entry in server.get("/api/v1/languages").json()["languages"] if entry["available"]}
    assert set(w["languages"]) == able >= {"python", "bash"}
    assert w["languages"]["python"].startswith("3.")
    now = datetime.datetime.now(datetime.timezone.utc)
    started, seen = (datetime.datetime.fromisoformat(w[k].replace("Z", "+00:00")) for k in ("startedAt", "seenAt"))
    assert started <= seen <= now + datetime.timedelta(seconds=1)
    assert now - seen < datetime.timedelta(seconds=15)


def test_what_runs_is_counted(server):
    job = server.submit("bash", "sleep 30")
    server.wait_state(job, "running")
    wait_until(lambda: the_worker(server)["running"] >= 1, 20, "the running job to be counted")
    server.request("DELETE", f"/api/v1/jobs/{job}")
    assert server.result(job)["verdict"] == "cancelled"
    wait_until(lambda: the_worker(server)["running"] == 0, 20, "the cancelled job to be counted no more")


def test_other_methods_and_parameters_are_refused(server):
    assert server.request("HEAD", "/api/v1/workers").status_code == 200
    assert server.request("DELETE", "/api/v1/workers").status_code == 405
    assert server.get("/api/v1/workers?all=1").status_code == 400
