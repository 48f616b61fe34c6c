# SPDX-License-Identifier: MIT
import sys

import engine
import harness
import pytest

sys.path.append(str(harness.ROOT / "tests/sandbox"))
import attack  # noqa: E402


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
def server(docker, tmp_path_factory):
    """As in tests/sandbox, with the language whose build step runs the submission."""
    languages = attack.copy_languages(tmp_path_factory.mktemp("server") / "languages")
    for place in (languages, languages.parent, languages.parent.parent):
        place.chmod(0o755)  # the engine is not root
    s = engine.wait_languages(harness.Server(**engine.settings(docker, CODECRUSHER_LANGUAGES_DIR=languages)).start())
    yield s
    s.stop()
    harness.wait_until(lambda: not docker.containers(), 30, "every container to be gone")


@pytest.fixture
def start_docker_server(docker, start_server):
    return lambda **more: engine.wait_languages(start_server(**engine.settings(docker, **more)))
