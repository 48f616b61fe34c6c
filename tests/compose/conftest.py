# SPDX-License-Identifier: MIT
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parent.parent / "docker"))
import stack  # noqa: E402


@pytest.fixture(scope="session")
def docker():
    """A Docker Engine with the public images that the Compose files name."""
    reason = stack.missing()
    if reason:
        pytest.exit(reason, 2)
    e = stack.Engine()
    try:
        yield e.start()
    finally:
        e.remove()
