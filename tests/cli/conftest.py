# SPDX-License-Identifier: MIT
import subprocess

import pytest

import harness


@pytest.fixture(scope="session")
def places():
    settings = harness.Settings()
    yield settings
    harness.wait_until(lambda: not settings.processes(), 10, "the processes of one-off runs to be gone")
    settings.remove()


@pytest.fixture
def codecrusher(places):
    """codecrusher("run", "x.py", stdin=b"...", NAME=value) runs the program as a user would."""

    def run(*words, stdin=b"", timeout=60, **env):
        done = subprocess.run(
            [harness.PROGRAM, *map(str, words)],
            input=stdin,
            capture_output=True,
            timeout=timeout * harness.SLOW,
            env=harness.clean_env(**{**places.env(), **env}),
            cwd="/",
        )
        assert not harness.SANITIZER_REPORT.search(done.stderr.decode(errors="replace")), done.stderr.decode()
        return done

    return run


@pytest.fixture
def program(tmp_path):
    """program("x.py", text) writes a file and returns its path."""

    def write(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write
