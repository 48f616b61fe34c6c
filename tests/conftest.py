# SPDX-License-Identifier: MIT
import os

import pytest

import backends
import harness


def pytest_addoption(parser):
    parser.addoption(
        "--backend",
        choices=["embedded", "distributed"],
        default="embedded",
        help="what servers of these tests queue and store in: SQLite inside, or Redis and MongoDB",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "embedded: is about the embedded queue and store")
    if os.geteuid() != 0:
        pytest.exit("the black-box tests start real servers with real containers: run them as root", 2)
    if not harness.PROGRAM.exists():
        pytest.exit(f"{harness.PROGRAM} is not there: run `make build` first", 2)
    if config.getoption("--backend") == "distributed":
        config.backends = backends.Pair()
        config.add_cleanup(config.backends.remove)
        try:
            config.backends.start()
        except backends.Missing as problem:
            pytest.exit(str(problem), 2)
        harness.backend_env = config.backends.env


def pytest_collection_modifyitems(config, items):
    if config.getoption("--backend") == "distributed":
        other = [item for item in items if item.get_closest_marker("embedded")]
        config.hook.pytest_deselected(items=other)
        items[:] = [item for item in items if item not in other]


@pytest.fixture(scope="session")
def server():
    """One server with default settings for all tests that leave it as they found it."""
    s = harness.Server().start()
    yield s
    s.stop()


@pytest.fixture
def start_server():
    """start_server(verb=..., settings=..., NAME=value) starts one more; all are stopped, and checked, at the
    test's end."""
    started = []

    def start(ready=True, **options):
        s = harness.Server(**options)
        started.append(s)
        return s.start(ready)

    yield start
    problems = []
    for s in reversed(started):
        try:
            s.stop()
        except BaseException as problem:  # the others have to go as well
            problems.append(problem)
            s.kill()
    if problems:
        raise problems[0]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure is read together with the last lines of its server's log."""
    outcome = yield
    report = outcome.get_result()
    server = getattr(item, "funcargs", {}).get("server")
    if report.failed and server is not None and server.log is not None:
        report.sections.append(("server log", "\n".join(server.log.lines[-25:])))
