# SPDX-License-Identifier: MIT
import subprocess

import pytest

import backends
import harness
from distributed import SCRIPTS, Distributed


@pytest.fixture(scope="session")
def redis():
    r = backends.Redis().start()
    yield r
    r.remove()


@pytest.fixture(scope="session")
def mongo():
    try:
        m = backends.Mongo().start()
    except backends.Missing as problem:
        pytest.fail(str(problem))
    yield m
    m.remove()


@pytest.fixture(scope="session", params=["5", "latest"])
def bullmq(request):
    """The directory where this major of bullmq is installed."""
    where = harness.BUILD / "interop" / request.param
    done = subprocess.run([SCRIPTS / "bullmq", request.param, where], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return where


@pytest.fixture
def pair(redis, mongo):
    """The same without Node.js."""
    d = Distributed(redis, mongo, None)
    yield d
    d.stop()


@pytest.fixture
def distributed(redis, mongo, bullmq):
    d = Distributed(redis, mongo, bullmq)
    yield d
    d.stop()
