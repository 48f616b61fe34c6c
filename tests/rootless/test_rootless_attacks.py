# SPDX-License-Identifier: MIT
"""The attacks on the kernel, on init and on files, against a server of an ordinary user."""
import json
import sys

import pytest

import harness

sys.path.insert(0, str(harness.ROOT / "tests/sandbox"))
import attack  # noqa: E402
import attackfile  # noqa: E402


@pytest.fixture(scope="module")
def rootless_target(user_server):
    return attack.Target(user_server.url, slow=harness.SLOW, host=False).start()


@pytest.mark.parametrize("one", attackfile.load(["B", "C", "D"]), ids=lambda a: a.path.stem)
def test_attack(rootless_target, one):
    why = attack.why_not(rootless_target, one)
    if why:
        pytest.skip(why)
    failures = attack.run_attack(rootless_target, one)
    assert not failures, "\n".join(json.dumps(f) for f in failures)
