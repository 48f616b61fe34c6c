# SPDX-License-Identifier: MIT
"""SIGTERM: stop taking, finish or give back, answer those who wait, exit 0."""
import os
import signal
import threading
import time

import pytest

import harness


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once(start_server, number):
    server = start_server()
    begin = time.monotonic()
    server.signal(number)
    assert server.wait_exit() == 0
    assert time.monotonic() - begin < 3 * harness.SLOW


def test_a_job_that_is_nearly_done_is_finished(start_server):
    server = start_server(CODECRUSHER_SHUTDOWN_TIMEOUT=10)
    job = server.submit("bash", "sleep 1; echo finished")
    server.wait_state(job, "running")
    server.signal()
    assert server.wait_exit() == 0
    server.start()
    r = server.result(job)
    assert (r["verdict"], r["stdout"], r["attempts"]) == ("ok", "finished\n", 1)


def test_a_long_job_is_given_back_and_no_attempt_is_consumed(start_server):
    server = start_server(CODECRUSHER_SHUTDOWN_TIMEOUT=1, CODECRUSHER_CONCURRENCY=1)
    job = server.submit("bash", "sleep 4; echo finished")
    queued = server.submit("bash", "echo later")
    for _ in range(4):
        server.wait_state(job, "running")
        begin = time.monotonic()
        server.signal()
        assert server.wait_exit() == 0
        assert time.monotonic() - begin < 6 * harness.SLOW
        assert not server.settings.processes()
        server.start()
    r = server.result(job)
    assert (r["verdict"], r["stdout"], r["attempts"]) == ("ok", "finished\n", 1), r
    assert server.result(queued)["stdout"] == "later\n"


def test_a_drain_leaves_running_jobs_all_their_time(start_server):
    server = start_server(CODECRUSHER_SHUTDOWN_TIMEOUT=0, CODECRUSHER_CONCURRENCY=1)
    job = server.submit("bash", "sleep 2; echo finished")
    queued = server.submit("bash", "echo later")
    server.wait_state(job, "running")
    server.signal(signal.SIGUSR1)
    assert server.wait_exit() == 0
    assert not any("given back" in line for line in server.log.lines)
    server.start()
    r = server.result(job)
    assert (r["verdict"], r["stdout"], r["attempts"]) == ("ok", "finished\n", 1), r
    assert server.result(queued)["stdout"] == "later\n"


def test_who_drains_can_still_be_stopped(start_server):
    server = start_server(CODECRUSHER_SHUTDOWN_TIMEOUT=0)
    job = server.submit("bash", "sleep 60")
    server.wait_state(job, "running")
    server.signal(signal.SIGUSR1)
    server.log.wait_for("1 jobs run, and have all their time")
    server.signal(signal.SIGTERM)
    assert server.wait_exit() == 0
    assert server.log.wait_for("given back")


def test_waiting_clients_are_answered(start_server):
    server = start_server(CODECRUSHER_SHUTDOWN_TIMEOUT=1)
    job = server.submit("bash", "sleep 15")
    server.wait_state(job, "running")
    answers = []

    def wait(ask):
        answers.append(ask())

    asks = [
        lambda: server.get(f"/api/v1/result?jobId={job}&wait=60"),
        lambda: server.post({"language": "bash", "code": "sleep 15"}, "?wait=60"),
        lambda: server.get(f"/api/v1/jobs/{job}?wait=60"),
    ]
    threads = [threading.Thread(target=wait, args=(ask,)) for ask in asks]
    for t in threads:
        t.start()
    harness.wait_until(lambda: descriptors(server) >= 3, 5, "the clients to wait")
    server.signal()
    for t in threads:
        t.join(20 * harness.SLOW)
    assert server.wait_exit() == 0
    assert len(answers) == 3
    assert all(a.status_code in (200, 503) for a in answers)
    for answer in answers:
        if answer.status_code == 200:
            assert "verdict" not in answer.json()


def descriptors(server):
    """Open connections of clients, as the engine has them."""
    engine = server.find("engine")
    found = 0
    for fd in os.listdir(f"/proc/{engine}/fd"):
        try:
            found += os.readlink(f"/proc/{engine}/fd/{fd}").startswith("socket:")
        except OSError:
            pass
    return found


def test_while_it_ends_nothing_new_is_accepted(start_server):
    server = start_server(CODECRUSHER_SHUTDOWN_TIMEOUT=3)
    job = server.submit("bash", "sleep 15")
    server.wait_state(job, "running")
    with server.connect() as s:
        s.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        stream = s.makefile("rb")
        assert harness.read_answer(s, stream).status == 200
        server.signal()

        def closing():
            s.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = harness.read_answer(s, stream)
            return answer is None or answer.status == 503

        try:
            harness.wait_until(closing, 5, "503 or the end")
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert server.wait_exit() == 0


def test_jobs_and_results_are_there_after_a_restart(start_server):
    server = start_server(CODECRUSHER_CONCURRENCY=1)
    done = server.submit("bash", "echo one")
    first = server.result(done)
    blocked = server.submit("bash", "sleep 1.5")
    jobs = [server.submit("bash", f"echo {i}") for i in range(20)]
    server.signal()
    assert server.wait_exit() == 0
    server.start()
    assert server.result(done) == first
    assert server.result(blocked)["verdict"] == "ok"
    assert [server.result(j)["stdout"] for j in jobs] == [f"{i}\n" for i in range(20)]
