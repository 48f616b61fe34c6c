# SPDX-License-Identifier: MIT
"""The stack as README promises it, from a fresh checkout to its end, with docker-compose."""
import json
import os
import pathlib
import re
import signal

import harness
import pytest
import stack as stacks

README = (harness.ROOT / "README.md").read_text()
UP = "docker compose --env-file .env up -d --build"
SUBMIT = """curl -s -X POST localhost:3000/api/v1/submit -H 'Content-Type: application/json' \\
         -d '{"code":"print(1)","language":"python"}'"""
RESULT = "curl -s 'localhost:3000/api/v1/result?jobId=j…'"


@pytest.fixture(scope="module")
def stack(docker):
    """Up, with README's own words but for the name of Compose."""
    s = stacks.Stack(docker)
    try:
        s.type("cp .env.example .env")
        s.type(UP.replace("docker compose", "docker-compose"))
        yield s
    finally:
        s.remove()


@pytest.fixture
def server(stack):
    stack.wait_healthy(*stacks.NAMES)
    return stack.api


def test_readme_step_by_step(stack):
    for step in ("cp .env.example .env", UP, "make start", "make status", "make logs", SUBMIT, RESULT):
        assert step in README, step
    stack.wait_healthy(*stacks.NAMES)
    status = stack.type("make status")
    assert all(name in status for name in stacks.NAMES) and status.count("(healthy)") == 4
    assert "the spawner is ready" in stack.type("make logs")
    answer = json.loads(stack.type(SUBMIT))
    assert answer["success"] is True and set(answer) == {"success", "jobId"}
    asked = RESULT.replace("j…", answer["jobId"])
    done = harness.wait_until(lambda: (r := json.loads(stack.type(asked))).get("status") != "Pending" and r, 30, "the result")
    assert (done["success"], done["status"], done["response"]) == (True, "completed", "1\n")


def test_every_language_works(server):
    languages = server.get("/api/v1/languages").json()["languages"]
    assert languages and all(x["available"] for x in languages), languages
    assert server.run("javascript", "console.log(process.version)")["verdict"] == "ok"
    assert server.run("cpp", "#include <iostream>\nint main() { std::cout << __cplusplus; }")["verdict"] == "ok"
    assert server.run("c", "int main(void) { return 3; }")["exitCode"] == 3


def test_what_can_be_reached_and_what_cannot(stack, server):
    published = {c["Names"][0]: [(p.get("IP"), p["PublicPort"]) for p in c["Ports"] if "PublicPort" in p] for c in stack.containers()}
    assert published.pop("/code_crusher_server") == [("127.0.0.1", 3000)]
    assert set(map(tuple, published.values())) == {()}
    assert stack.docker.json("GET", "/networks/code_crusher_back")["Internal"] is True
    for name in stacks.NAMES:
        networks = set(stack.docker.inspect(name)["NetworkSettings"]["Networks"])
        assert networks == {"code_crusher_back"} | ({"code_crusher_front"} if name == "code_crusher_server" else set())


def test_no_container_has_more_than_it_needs(stack, server):
    for name in stacks.NAMES:
        made = stack.docker.inspect(name)
        host = made["HostConfig"]
        assert not host["Privileged"] and host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"]
        assert any("no-new-privileges" in o for o in host["SecurityOpt"])
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        assert not [m for m in made["Mounts"] if "sock" in m["Source"] or m["Type"] == "bind"]
        if name != "code_crusher_worker":
            assert not host["CapAdd"] and made["Config"]["User"] in ("codecrusher", "redis", "mongodb")


def test_redis_keeps_what_it_was_given(stack, server):
    for setting, value in (("appendonly", "yes"), ("maxmemory-policy", "noeviction")):
        assert stack.docker.docker("exec", "code_crusher_redis", "redis-cli", "config", "get", setting).split()[1] == value


def owner(pid, of):
    """Whose process `pid` is: the key of the init process above it in {init pid: name}."""
    alive = harness.processes()
    while pid in alive and pid not in of:
        pid = alive[pid][0]
    return of.get(pid)


def running(stack, marker):
    """The worker whose program has the marker among its arguments; None while there is none."""
    inits = {stack.docker.inspect(name)["State"]["Pid"]: name for name in stack.workers()}
    for pid in harness.processes():
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if marker.encode() in words and owner(pid, inits):
            return owner(pid, inits)
    return None


def test_four_workers(stack, server):
    """Each has user ids of its own, and together they run more than one alone could."""
    stack.type("docker-compose --env-file .env up -d --scale code_crusher_more_workers=3")
    harness.wait_until(lambda: len(stack.workers()) == 4, 30, "four workers")
    stack.wait_healthy(*stack.workers())
    logs = [stack.docker.docker("logs", name) for name in stack.workers()]
    assert len({re.findall(r"uids from (\d+)", log)[-1] for log in logs}) == 4

    markers = [str(10_000_000 + os.getpid() + n) for n in range(4 * os.cpu_count())]
    jobs = [server.submit("bash", f"sleep 100 {m}", limits={"wallMs": 110000}) for m in markers]
    seen = {}

    def all_busy():
        seen.update({m: w for m in markers if m not in seen and (w := running(stack, m))})
        return len(seen) == len(markers) and set(seen.values()) == set(stack.workers())

    harness.wait_until(all_busy, 60, "every worker to run its share")
    for job in jobs:
        assert server.request("DELETE", f"/api/v1/jobs/{job}").status_code < 300
    assert {server.result(job)["verdict"] for job in jobs} == {"cancelled"}


def test_a_worker_killed_under_a_job(stack, server):
    """As by a crash: its container's first process. Another worker does the job; its own container starts again."""
    marker = f"worker-kill-{os.getpid()}"
    job = server.submit("python", "import sys, time\nprint(sys.argv[1], flush=True)\ntime.sleep(6)\nprint('done')", args=[marker])
    killed = harness.wait_until(lambda: running(stack, marker), 30, "the job to run")
    os.kill(stack.docker.inspect(killed)["State"]["Pid"], signal.SIGKILL)
    r = server.result(job, timeout=200)
    assert (r["verdict"], r["stdout"], r["attempts"]) == ("ok", f"{marker}\ndone\n", 2)
    stack.wait_healthy(killed)
    assert stack.docker.inspect(killed)["RestartCount"] == 1


def test_stop_and_start_again(stack, server):
    """Nothing is left running, and nothing that was finished is lost."""
    job = server.submit("bash", "echo kept")
    assert server.result(job)["stdout"] == "kept\n"
    stack.type("make stop")
    assert stack.containers() == []
    assert "CodeCrusher is ready." in stack.type("make start")
    assert server.result(job)["stdout"] == "kept\n"
    assert server.run("bash", "echo again")["stdout"] == "again\n"
    assert stack.workers() == ["code_crusher_worker"]
