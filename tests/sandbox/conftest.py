# SPDX-License-Identifier: MIT
import json

import pytest

import attack
import harness


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server with one language more: one whose build step runs what the submission says, as some real ones do. Its
    pool has a fixed size, so that one slot more or less is seen; an emulated machine never has it filled."""
    languages = attack.copy_languages(tmp_path_factory.mktemp("server") / "languages")
    for place in (languages, languages.parent, languages.parent.parent):
        place.chmod(0o755)  # the engine is not root
    warm = 0 if harness.EMULATED else 2
    s = harness.Server(CODECRUSHER_LANGUAGES_DIR=languages, CODECRUSHER_WARM_SLOTS=warm).start()
    yield s
    s.stop()


@pytest.fixture(scope="session")
def target(server):
    return attack.Target(server.url, slow=harness.SLOW, program=harness.PROGRAM).start()


@pytest.fixture(autouse=True)
def nothing_is_left_and_the_next_job_is_unharmed(request, target, server):
    """Around every test of this directory, whatever its programs did: the machine is as before, and slots still run
    programs right. An attack sees to it itself."""
    yield
    if "one" in request.fixturenames:
        return
    left = target.host.compare()
    assert not left, f"left behind: {json.dumps(left)}"
    jobs = [server.submit("bash", "echo canary; cat", stdin="sings") for _ in range(4)]
    for job in jobs:
        r = server.result(job)
        assert (r["verdict"], r["stdout"], r["stderr"]) == ("ok", "canary\nsings", "")
