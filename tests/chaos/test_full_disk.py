# SPDX-License-Identifier: MIT
"""A disk that fills up: submits are refused, what was accepted keeps its result, and it ends when there is room."""
import subprocess

import pytest

import harness


@pytest.fixture
def small_disk():
    settings = harness.Settings()
    settings.data_dir.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=755", "tmpfs", settings.data_dir], check=True)
    yield settings
    subprocess.run(["umount", "-l", settings.data_dir], check=True)
    settings.remove()


def fill(settings):
    """Takes the rest of the disk, to the last page."""
    with open(settings.data_dir / "ballast", "ab", buffering=0) as f:
        for size in (1 << 20, 4096):
            try:
                while True:
                    f.write(bytes(size))
            except OSError:
                pass


def test_a_disk_that_users_fill(small_disk, start_server):
    server = start_server(settings=small_disk, CODECRUSHER_CONCURRENCY=1)
    blocker = server.submit("bash", "sleep 3")
    server.wait_state(blocker, "running")
    jobs = []
    for i in range(200):
        answer = server.post({"language": "bash", "code": f"echo {i}\n#" + "x" * 500000})
        if answer.status_code != 200:
            break
        jobs.append(answer.json()["jobId"])
    assert answer.status_code == 503, "the disk never got full"
    assert int(answer.headers["Retry-After"]) > 0
    assert "disk" in answer.json()["error"]
    assert jobs
    assert server.get("/healthz").status_code == 200
    for i, job in enumerate(jobs):
        r = server.result(job)
        assert (r["verdict"], r["stdout"]) == ("ok", f"{i}\n")
    for job in jobs:
        assert server.request("DELETE", f"/api/v1/jobs/{job}").status_code == 204
    harness.wait_until(
        lambda: server.post({"language": "bash", "code": "true"}).status_code == 200, 20, "room after deletion"
    )


def test_a_disk_that_something_else_fills(small_disk, start_server):
    server = start_server(settings=small_disk)
    job = server.submit("bash", "sleep 2; echo kept")
    server.wait_state(job, "running")
    fill(small_disk)
    harness.wait_until(lambda: refused(server), 20, "503")
    assert server.get("/readyz").status_code == 503
    harness.wait_until(lambda: not running(server), 20, "the program to end")
    (small_disk.data_dir / "ballast").unlink()
    r = server.result(job)
    assert (r["verdict"], r["stdout"]) == ("ok", "kept\n")
    server.wait_ready()
    assert server.run("bash", "echo again")["stdout"] == "again\n"


def refused(server):
    answer = server.post({"language": "bash", "code": "#" * 900000})
    assert answer.status_code in (200, 503), answer.text
    return answer.status_code == 503


def running(server):
    return server.metric("codecrusher_jobs_running")


def test_a_restart_on_a_full_disk_loses_nothing(small_disk, start_server):
    server = start_server(settings=small_disk)
    job = server.submit("bash", "echo kept")
    first = server.result(job)
    fill(small_disk)
    server.signal()
    assert server.wait_exit() == 0
    (small_disk.data_dir / "ballast").unlink()
    server.start()
    assert server.result(job) == first
