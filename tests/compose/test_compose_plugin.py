# SPDX-License-Identifier: MIT
"""The other Compose: `docker compose` (the plugin, version 2), which builds with BuildKit."""
import pathlib

import harness
import pytest
import stack as stacks
from test_compose import SUBMIT, UP


@pytest.fixture(scope="module")
def stack(docker):
    docker.add_compose_plugin()
    s = stacks.Stack(docker)
    try:
        s.type("cp .env.example .env")
        s.type(UP)
        yield s
    finally:
        s.remove()


def test_submit_scale_and_stop(stack):
    stack.wait_healthy(*stacks.NAMES)
    assert "2." in stack.type("docker compose version --short")
    assert "code_crusher_server" in stack.type("make status")
    assert '"success":true' in stack.type(SUBMIT)
    assert stack.api.run("python", "print(6 * 7)")["stdout"] == "42\n"

    env = pathlib.Path(stack.place, ".env")
    env.write_text(env.read_text().replace("MORE_WORKERS=0", "MORE_WORKERS=3"))
    assert "CodeCrusher is ready." in stack.type("make start")
    harness.wait_until(lambda: len(stack.workers()) == 4, 30, "four workers")
    stack.wait_healthy(*stack.workers())

    stack.type("make stop")
    assert stack.containers() == []
