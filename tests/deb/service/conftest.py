# SPDX-License-Identifier: MIT
import pathlib

import pytest


def pytest_configure(config):
    if pathlib.Path("/proc/1/comm").read_text().strip() != "systemd" or not pathlib.Path("/disk/codecrusher.deb").exists():
        pytest.exit("these tests are for the virtual machine of scripts/test-vm, with a package: make deb-test", 2)
