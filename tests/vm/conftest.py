# SPDX-License-Identifier: MIT
import pathlib
import subprocess

import pytest

import harness


def pytest_configure(config):
    if pathlib.Path("/proc/1/comm").read_text().strip() != "systemd" or not pathlib.Path("/disk/guest").exists():
        pytest.exit("these tests are for the virtual machine of scripts/test-vm", 2)


@pytest.fixture
def unit(tmp_path):
    """unit("run", "x.py", user=..., properties=[...], NAME=value) runs the program as a unit of systemd."""

    def run(*words, manager=(), user=None, properties=("Delegate=yes",), before=(), **env):
        options = [f"--property={p}" for p in properties] + ([f"--uid={user}"] if user else [])
        options += [f"--setenv={name}={value}" for name, value in env.items()]
        return subprocess.run(
            [*manager, "systemd-run", *(["--user"] if manager else []), "--pipe", "--wait", "--collect", "--quiet", *options,
             *before, harness.PROGRAM, *map(str, words)],
            capture_output=True, stdin=subprocess.DEVNULL, text=True, timeout=60 * harness.SLOW, cwd="/",
        )  # fmt: skip

    return run


@pytest.fixture
def program():
    """program("x.py", text) writes a file that everybody can read, and returns its path."""
    written = []

    def write(name, text):
        path = pathlib.Path("/var/tmp", name)
        path.write_text(text)
        path.chmod(0o644)
        written.append(path)
        return path

    yield write
    for path in written:
        path.unlink()
