# SPDX-License-Identifier: MIT
"""wait holds the answer until the result is there, and no longer."""
import threading
import time

import pytest

import harness


def test_submit_with_wait_answers_with_the_result(server):
    body = server.post({"language": "python", "code": "print(6*7)"}, "?wait=30").json()
    assert body["verdict"] == "ok"
    assert body["response"] == "42\n"


def test_a_wait_that_runs_out_gives_the_normal_answer(server):
    answer = server.post({"language": "bash", "code": "sleep 3"}, "?wait=1")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"success", "jobId"}
    assert 0.9 < answer.elapsed.total_seconds() < 2.5 * harness.SLOW

    answer = server.get(f"/api/v1/result?jobId={body['jobId']}&wait=1")
    assert answer.json() == {"success": False, "status": "Pending"}
    job = server.get(f"/api/v1/jobs/{body['jobId']}?wait=0").json()
    assert job["state"] == "running"
    assert server.result(body["jobId"])["verdict"] == "ok"


def test_the_jobs_resource_waits_as_well(server):
    job = server.submit("bash", "sleep 0.5; echo late")
    body = server.get(f"/api/v1/jobs/{job}?wait=true").json()
    assert (body["state"], body["response"]) == ("finished", "late\n")


def test_many_waiters_all_get_the_same_result(server):
    job = server.submit("bash", "sleep 1; echo $RANDOM")
    answers = []

    def wait():
        answers.append(server.result(job))

    threads = [threading.Thread(target=wait) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(answers) == 20
    assert all(a == answers[0] for a in answers)


def test_a_waiter_is_answered_at_once_not_at_the_next_tick(server):
    """The answer leaves when the result is committed: far sooner than any polling interval would allow."""
    for _ in range(3):
        begin = time.monotonic()
        r = server.run("bash", "true")
        assert time.monotonic() - begin < r["queueMs"] / 1000 + r["wallMs"] / 1000 + 0.5 * harness.SLOW


def test_leaving_does_not_cancel_the_job(server):
    with server.connect() as s:
        body = b'{"language":"bash","code":"sleep 1; echo done"}'
        s.sendall(
            b"POST /api/v1/submit?wait=true HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        before = accepted(server)
        harness.wait_until(lambda: accepted(server) > before or running(server), 5, "the job to be accepted")
    finished = finished_ok(server)
    harness.wait_until(lambda: finished_ok(server) > finished, 10, "the job to end well without its client")


def accepted(server):
    return sum(v for (name, _), v in server.metrics().items() if "accepted" in name or "submitted" in name)


def running(server):
    return any(v for (name, _), v in server.metrics().items() if name.endswith("running"))


def finished_ok(server):
    return sum(
        v
        for (name, labels), v in server.metrics().items()
        if name.endswith("finished_total") and ("verdict", "ok") in labels
    )


@pytest.mark.parametrize("value", ["-1", "1.", "abc", "1e3", "", "yes"])
def test_a_wait_that_is_no_time_is_400(server, value):
    answer = server.post({"language": "bash", "code": "true"}, f"?wait={value}")
    assert answer.status_code == 400
    assert answer.json()["field"] == "wait"
