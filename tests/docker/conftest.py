# SPDX-License-Identifier: MIT
import engine
import harness
import pytest


@pytest.fixture(scope="session")
def docker():
    """A Docker Engine with every language's image."""
    reason = engine.missing()
    if reason:
        pytest.skip(reason)
    e = engine.Engine()
    try:
        yield e.start().make_images()
    finally:
        e.remove()


@pytest.fixture(scope="session")
def server(docker):
    s = engine.wait_languages(harness.Server(**engine.settings(docker)).start())
    yield s
    s.stop()
    harness.wait_until(lambda: not docker.containers(), 30, "every container to be gone")


@pytest.fixture
def start_docker_server(docker, start_server):
    return lambda **more: engine.wait_languages(start_server(**engine.settings(docker, **more)))
