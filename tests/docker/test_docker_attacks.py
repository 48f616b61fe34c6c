# SPDX-License-Identifier: MIT
"""The attacks of tests/sandbox/attacks that apply to containers of a Docker Engine, with what their headers expect there."""
import json

import pytest

import attack
import attackfile
import harness


@pytest.fixture(scope="module")
def target(server):
    return attack.Target(server.url, "docker", harness.SLOW, program=harness.PROGRAM).start()


@pytest.mark.parametrize("one", attackfile.load(executor="docker"), ids=lambda a: a.path.stem)
def test_attack(target, one):
    why = attack.why_not(target, one)
    if why:
        pytest.skip(why)
    failures = attack.run_attack(target, one)
    assert not failures, "\n".join(json.dumps(f) for f in failures)
