# SPDX-License-Identifier: MIT
"""docker-compose.docker.yml: the same stack, where the Engine makes the programs' containers."""
import engine
import harness
import pytest
import stack as stacks


@pytest.fixture(scope="module")
def stack(docker):
    """The languages' images are one, of what the native worker's programs see."""
    first, *others = engine.image_names()
    docker.docker("build", "-q", "-t", first, "-f", harness.ROOT / "deploy/docker/Dockerfile", "--target=languages", harness.ROOT)
    for name in others:
        docker.tag(first, name)
    s = stacks.Stack(docker, "docker-compose.docker.yml")
    try:
        s.type("cp .env.example .env")
        s.type("make start")
        yield s
    finally:
        s.remove()


def test_programs_run_in_containers_of_the_engine(stack):
    engine.wait_languages(stack.api)
    job = stack.api.submit("bash", "echo begun; sleep 60", limits={"wallMs": 70000})
    harness.wait_until(lambda: any(c["State"] == "running" for c in stack.docker.containers()), 30, "a container of the job")
    assert stack.api.request("DELETE", f"/api/v1/jobs/{job}").status_code < 300
    assert stack.api.result(job)["verdict"] == "cancelled"
    assert stack.api.run("c", "#include <stdio.h>\nint main(void) { puts(\"of the Engine\"); return 0; }")["stdout"] == "of the Engine\n"
    assert stack.api.run("python", "x = bytearray(1 << 30)", limits={"memoryBytes": 64 << 20})["verdict"] == "memory_limit"


def test_the_worker_has_the_socket_and_little_else(stack):
    made = stack.docker.inspect("code_crusher_worker")
    assert not made["HostConfig"]["Privileged"]
    assert sorted(c.removeprefix("CAP_") for c in made["HostConfig"]["CapAdd"]) == ["KILL", "SETGID", "SETUID"]
    sockets = [m["Destination"] for m in made["Mounts"] if m["Type"] == "bind"]
    assert sockets == ["/run/docker.sock"]
    assert "/run/docker.sock" not in str(stack.docker.inspect("code_crusher_server")["Mounts"])


def test_a_stop_leaves_no_container(stack):
    stack.type("make stop")
    harness.wait_until(lambda: stack.containers() == [], 30, "all containers to be gone")
