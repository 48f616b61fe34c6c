# SPDX-License-Identifier: MIT
"""The words of the README, typed into a shell."""
import json
import re
import subprocess

import harness


def curl(command):
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=90, check=True)
    return json.loads(done.stdout)


def test_the_two_curls(server):
    host = f"localhost:{server.port}"
    answer = curl(
        f"curl -s --noproxy '*' -X POST {host}/api/v1/submit -H 'Content-Type: application/json' "
        """-d '{"code":"print(1)","language":"python"}'"""
    )
    assert set(answer) == {"success", "jobId"}
    assert answer["success"] is True
    job = answer["jobId"]

    seen = []

    def finished():
        seen.append(curl(f"curl -s --noproxy '*' '{host}/api/v1/result?jobId={job}'"))
        return seen[-1].get("status") != "Pending"

    harness.wait_until(finished, 20, "the result")
    assert all(answer == {"success": False, "status": "Pending"} for answer in seen[:-1])
    assert seen[-1]["success"] is True
    assert seen[-1]["status"] == "completed"
    assert seen[-1]["response"] == "1\n"
    assert seen[-1]["jobId"] == job


def test_an_unknown_job_is_404_and_says_so(server):
    for unknown in ("j" + "0" * 26, "1", "x" * 300, "../jobs"):
        answer = server.get(f"/api/v1/result?jobId={unknown}")
        assert answer.status_code == 404
        body = answer.json()
        assert body["success"] is False
        assert body["status"] == "NotFound"
        assert body["error"]


def test_a_result_without_a_job_id_is_400(server):
    for query in ("", "?", "?wait=1"):
        answer = server.get("/api/v1/result" + query)
        assert answer.status_code == 400, query
        assert "jobId" in answer.json()["error"]


def test_an_unknown_query_parameter_is_named(server):
    answer = server.get("/api/v1/result?jobid=x")
    assert (answer.status_code, answer.json()["field"]) == (400, "jobid")


def test_job_ids_are_ordered_by_time_and_no_integers(server):
    ids = [server.submit("bash", "true") for _ in range(20)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 20
    for job in ids:
        assert re.fullmatch(r"[0-9A-Za-z]+", job) and not job.isdigit()
    for job in ids:
        assert server.result(job)["verdict"] == "ok"
