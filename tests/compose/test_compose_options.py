# SPDX-License-Identifier: MIT
"""The options of the default Compose file's worker are minimal: without any one of them it refuses to start, and says
what is missing."""
import contextlib
import json
import re

import harness
import pytest
import stack as stacks
import yaml

WORKER = yaml.safe_load((harness.ROOT / "docker-compose.yml").read_text())["services"]["code_crusher_worker"]
NAME = "code_crusher_refused"


def options(cap_add=WORKER["cap_add"], security_opt=WORKER["security_opt"], volumes=WORKER["volumes"], entrypoint=None):
    words = ["--read-only"] if WORKER["read_only"] else []
    words += [f"--cap-drop={cap}" for cap in WORKER["cap_drop"]] + [f"--cap-add={cap}" for cap in cap_add]
    words += [f"--security-opt={option}" for option in security_opt] + [f"--volume=test_{v}" for v in volumes]
    return words + ([f"--entrypoint={entrypoint}"] if entrypoint else [])


def without(values, prefix):
    left = [v for v in values if not v.startswith(prefix)]
    assert len(left) == len(values) - 1
    return left


# What is left out, the rest, and what the worker's last words have to name.
CASES = {cap: (options(cap_add=without(WORKER["cap_add"], cap)), cap) for cap in WORKER["cap_add"]}
CASES["SYS_ADMIN"] = (CASES["SYS_ADMIN"][0], "no cgroup namespace can be made")
CASES["own seccomp profile"] = (options(security_opt=without(WORKER["security_opt"], "seccomp=")), "pivot_root")
CASES["own control groups"] = (options(entrypoint="codecrusher"), "is not writable")
CASES["place for locks"] = (options(volumes=without(WORKER["volumes"], "run:")), "/run/codecrusher")


@pytest.fixture(scope="module")
def stack(docker):
    """Redis, MongoDB and the worker's image."""
    s = stacks.Stack(docker)
    try:
        s.type("cp .env.example .env")
        s.type("docker-compose --env-file .env build -q code_crusher_worker")
        s.type("docker-compose --env-file .env up -d code_crusher_redis code_crusher_mongo")
        s.wait_healthy("code_crusher_redis", "code_crusher_mongo")
        yield s
    finally:
        s.remove()


@contextlib.contextmanager
def started(stack, words):
    env = [f"--env={name}={WORKER['environment'][name].split(':-', 1)[1].rstrip('}')}" for name in ("REDIS_URL", "MONGO_URL")]
    stack.type(["docker", "run", "-d", f"--name={NAME}", "--network=code_crusher_back", *words, *env, "code_crusher_worker", "worker"])
    try:
        yield
    finally:
        stack.type(["docker", "rm", "-f", NAME])


def test_with_all_of_them_it_starts(stack):
    with started(stack, options()):
        stack.wait_healthy(NAME)
        assert "the spawner is ready" in stack.docker.docker("logs", NAME)


@pytest.mark.parametrize("case", CASES)
def test_without_one_it_refuses(stack, case):
    words, named = CASES[case]
    with started(stack, words):
        state = lambda: stack.docker.inspect(NAME)["State"]  # noqa: E731
        harness.wait_until(lambda: state()["Status"] == "exited", 30, "the worker to end")
        log = stack.docker.docker("logs", NAME)
        assert state()["ExitCode"] == 78, log
        assert named in log and "the spawner is ready" not in log


def test_the_seccomp_profile_allows_what_programs_may_call():
    """A call that slots allow and the worker's container does not would fail there and nowhere else."""
    source = (harness.ROOT / "src/sandbox/seccomp_profile.c").read_text()
    table = source[source.index("profile_job_calls[]") : source.index("profile_job_arguments[]")]
    groups = re.findall(r'\{\s*((?:"[^"]*"\s*)+),\s*0,', table)
    of_slots = {name for group in groups for text in re.findall(r'"([^"]*)"', group) for name in text.split()}
    profile = json.loads((harness.ROOT / "deploy/docker/seccomp.json").read_text())
    allowed = {name for rule in profile["syscalls"] for name in rule["names"]}
    assert len(of_slots) > 200 and of_slots <= allowed, of_slots - allowed
