# SPDX-License-Identifier: MIT
"""languages, health, readiness, metrics, and answers to what is not there."""
import json

import pytest

LIMITS = {"cpuMs", "wallMs", "memoryBytes", "processes", "outputBytes", "fileBytes", "diskBytes"}


def test_languages_lists_what_can_run_and_under_which_limits(server):
    body = server.get("/api/v1/languages").json()
    languages = {entry["name"]: entry for entry in body["languages"]}
    assert {"python", "javascript", "c", "cpp", "bash"} <= set(languages)
    python = languages["python"]
    assert "py" in python["aliases"] or "python3" in python["aliases"]
    assert python["versions"] and python["versions"][0].startswith("3.")
    assert python["available"] is True and python["package"] is None
    assert python["compileLimits"] is None
    for limits in (python["limits"], languages["c"]["limits"], languages["c"]["compileLimits"]):
        assert set(limits["default"]) == set(limits["max"]) == LIMITS
        assert all(0 < limits["default"][name] <= limits["max"][name] for name in LIMITS)


def test_an_alias_is_its_language(server):
    r = server.run("py", "print(2)")
    assert (r["language"], r["response"]) == ("python", "2\n")
    assert server.run("Python", "print(2)")["language"] == "python"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health(server, path):
    assert server.get(path).status_code == 200


def test_metrics_count_what_happens(server):
    before = server.metrics()
    assert server.run("bash", "exit 3")["verdict"] == "runtime_error"
    assert server.run("bash", "true")["verdict"] == "ok"
    after = server.metrics()

    def grown(word, **labels):
        wanted = set(labels.items())
        return sum(
            value - before.get((name, have), 0)
            for (name, have), value in after.items()
            if word in name and wanted <= have
        )

    assert grown("finished_total", language="bash", verdict="runtime_error") == 1
    assert grown("finished_total", language="bash", verdict="ok") == 1
    assert grown("accepted") == 2
    names = {name for name, _ in after}
    for word in ("queue", "slots", "run", "compile", "oldest"):
        assert any(word in name for name in names), f"no metric about {word}: {sorted(names)}"
    histograms = {name for name in names if name.endswith("_bucket")}
    assert len(histograms) >= 3
    for name in histograms:
        rows = sorted(
            (float(dict(labels)["le"]), value)
            for (n, labels), value in after.items()
            if n == name and set(dict(labels)) == {"le"}
        )
        assert [v for _, v in rows] == sorted(v for _, v in rows), f"{name} does not ascend"


@pytest.mark.parametrize(
    "method, path, allow",
    [
        ("GET", "/api/v1/submit", {"POST"}),
        ("POST", "/api/v1/result", {"GET"}),
        ("PUT", "/api/v1/jobs/x", {"GET", "DELETE"}),
        ("DELETE", "/api/v1/languages", {"GET"}),
        ("POST", "/metrics", {"GET"}),
    ],
)
def test_a_wrong_method_is_405_with_allow(server, method, path, allow):
    answer = server.request(method, path)
    assert answer.status_code == 405
    assert {m.strip() for m in answer.headers["Allow"].split(",")} >= allow
    assert answer.json()["success"] is False


@pytest.mark.parametrize("path", ["/nothing", "/api/v1", "/api/v1/", "/api/v2/submit", "/api/v1/jobs/", "/api/v1/submit/"])
def test_what_is_not_there_is_404_in_json(server, path):
    answer = server.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["error"]


def test_a_percent_encoded_path_is_the_same_path(server):
    assert server.get("/api/v1/l%61nguages").status_code == 200
    assert server.get("/api/v1/languages%zz").status_code in (400, 404)


def test_head_is_get_without_a_body(server):
    answer = server.request("HEAD", "/healthz")
    assert answer.status_code in (200, 405)
    assert answer.content == b""


def test_logs_never_hold_what_a_user_sent(start_server):
    server = start_server(CODECRUSHER_LOG_LEVEL="debug", CODECRUSHER_LOG_FORMAT="json")
    marker = "xyzzy-4711"
    r = server.run("bash", f"echo {marker}; cat; exit 1", stdin=marker, env={"MARK": marker}, args=[marker])
    assert marker in r["stdout"]
    server.post({"language": "bash", "code": marker, "unknown": marker})
    server.signal()
    assert server.wait_exit() == 0
    assert marker not in server.log.text()
    lines = [json.loads(line) for line in server.log.lines]
    assert all({"time", "level", "process", "message"} <= set(line) for line in lines)
    assert any(line.get("job") == r["jobId"] for line in lines)
