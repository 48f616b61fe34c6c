# SPDX-License-Identifier: MIT
"""GET and DELETE of a job, in each of its states."""
import time

import pytest

import harness


@pytest.fixture
def narrow(start_server):
    """A server that runs one job at a time."""
    return start_server(CODECRUSHER_CONCURRENCY=1)


def test_a_job_goes_from_queued_through_running_to_finished(narrow):
    first = narrow.submit("bash", "sleep 2; echo first")
    second = narrow.submit("bash", "echo second")
    third = narrow.submit("bash", "echo third")
    narrow.wait_state(first, "running")
    running = narrow.get(f"/api/v1/jobs/{first}").json()
    assert running["state"] == "running"
    assert "position" not in running
    a, b = (narrow.get(f"/api/v1/jobs/{j}").json() for j in (second, third))
    assert (a["state"], b["state"]) == ("queued", "queued")
    assert b["position"] == a["position"] + 1 and a["position"] >= 0
    results = [narrow.result(j) for j in (first, second, third)]
    assert [r["response"] for r in results] == ["first\n", "second\n", "third\n"]
    assert results[0]["finishedAt"] <= results[1]["startedAt"] <= results[2]["startedAt"]
    finished = narrow.get(f"/api/v1/jobs/{second}").json()
    assert finished.pop("state") == "finished"
    assert finished == results[1]


def test_a_queued_job_that_is_deleted_never_runs(narrow):
    running = narrow.submit("bash", "sleep 2")
    narrow.wait_state(running, "running")
    queued = narrow.submit("bash", "echo it ran")
    answer = narrow.request("DELETE", f"/api/v1/jobs/{queued}")
    assert answer.status_code in (200, 202)
    r = narrow.result(queued)
    assert (r["status"], r["verdict"], r["stdout"]) == ("failed", "cancelled", "")
    assert r["exitCode"] is None
    assert r["response"]
    assert narrow.result(running)["verdict"] == "ok"


def test_a_running_job_that_is_deleted_is_killed_at_once(server):
    job = server.submit("bash", "echo begun; sleep 15 & sleep 15")
    server.wait_state(job, "running")
    begin = time.monotonic()
    answer = server.request("DELETE", f"/api/v1/jobs/{job}")
    assert answer.status_code in (200, 202)
    r = server.result(job)
    assert time.monotonic() - begin < 1 * harness.SLOW
    assert (r["status"], r["verdict"], r["exitCode"]) == ("failed", "cancelled", None)


def test_a_compiling_job_can_be_cancelled(server):
    job = server.submit("c", '#include "/dev/zero"\nint main(void) {}')
    server.wait_state(job, "running")
    server.request("DELETE", f"/api/v1/jobs/{job}")
    assert server.result(job)["verdict"] in ("cancelled", "compile_error")


def test_a_finished_job_that_is_deleted_is_gone(server):
    job = server.submit("bash", "echo secret")
    server.result(job)
    answer = server.request("DELETE", f"/api/v1/jobs/{job}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert server.get(f"/api/v1/result?jobId={job}").status_code == 404
    assert server.get(f"/api/v1/jobs/{job}").status_code == 404
    assert server.request("DELETE", f"/api/v1/jobs/{job}").status_code == 404


def test_deleting_twice_while_it_runs_is_harmless(server):
    job = server.submit("bash", "sleep 15")
    server.wait_state(job, "running")
    answers = [server.request("DELETE", f"/api/v1/jobs/{job}").status_code for _ in range(3)]
    assert answers[0] in (200, 202)
    assert set(answers) <= {200, 202, 204, 404}


def test_unknown_jobs_are_404(server):
    for job in ("j" + "0" * 26, "none", "1"):
        for method in ("GET", "DELETE"):
            answer = server.request(method, f"/api/v1/jobs/{job}")
            assert answer.status_code == 404
            assert answer.json()["error"]


def test_a_full_queue_is_503_with_retry_after(start_server):
    server = start_server(CODECRUSHER_CONCURRENCY=1, CODECRUSHER_MAX_QUEUE=3)
    running = server.submit("bash", "sleep 3")
    server.wait_state(running, "running")
    jobs = [server.submit("bash", f"echo {i}") for i in range(3)]
    answer = server.post({"language": "bash", "code": "true"})
    assert answer.status_code in (429, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert "queue" in answer.json()["error"]
    assert [server.result(j)["response"] for j in jobs] == ["0\n", "1\n", "2\n"]
    # A queue that others share is counted once a second.
    again = {"language": "bash", "code": "echo again"}
    harness.wait_until(lambda: server.post(again).status_code == 200, 10, "room in the queue")


def test_results_are_removed_after_their_time(start_server):
    server = start_server(CODECRUSHER_RESULT_TTL=1)
    job = server.submit("bash", "true")
    server.result(job)
    harness.wait_until(
        lambda: server.get(f"/api/v1/result?jobId={job}").status_code == 404, 90, "the result to be removed"
    )
