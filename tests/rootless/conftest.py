# SPDX-License-Identifier: MIT
import shutil
import subprocess

import pytest

import harness
from ordinary_user import User, forbidden


def pytest_collection_modifyitems(items):
    why = forbidden()
    for item in items:
        if why and "rootless" in str(item.fspath) and "where_no_user_namespace" not in item.name:
            item.add_marker(pytest.mark.skip(reason=why))


# What a user has: ids to give away and control groups; no ids; no control groups.
KINDS = {"ids": {}, "no ids": {"ids": False}, "no groups": {"groups": False}}


@pytest.fixture(scope="session")
def user():
    """user("ids") is one who exists as long as the tests do."""
    made = {}

    def make(kind):
        if kind not in made:
            made[kind] = User(**KINDS[kind])
        return made[kind]

    yield make
    for one in made.values():
        harness.wait_until(lambda one=one: not one.processes(), 10, "the user's processes to be gone")
        one.remove()


@pytest.fixture
def program(user):
    """program(text) writes a file in Python that the users can read, and returns its path."""

    def write(text):
        path = user("ids").base / "x.py"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def as_user(user):
    """as_user("ids", "run", "x.py", NAME=value) runs the program as that user would."""

    def run(kind, *words, **env):
        one = user(kind)
        done = subprocess.run(
            [*one.inside, harness.PROGRAM, *map(str, words)],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60 * harness.SLOW,
            env=harness.clean_env(**{**one.env(), **env}),
            cwd="/",
        )
        assert not harness.SANITIZER_REPORT.search(done.stderr.decode(errors="replace")), done.stderr.decode()
        return done

    return run


@pytest.fixture(scope="session")
def user_server(user):
    """A server of the user with ids, and with the language that some attacks need."""
    one = user("ids")
    languages = one.base / "languages"
    shutil.copytree(harness.ROOT / "languages", languages)
    shutil.copy(harness.ROOT / "tests/sandbox/languages/built.json", languages)
    s = harness.Server(settings=one, CODECRUSHER_LANGUAGES_DIR=languages).start()
    yield s
    s.stop()
