# SPDX-License-Identifier: MIT
import subprocess

import defences
import harness
import waiting


def test_a_waiting_slot_has_everything_in_force(server, target):
    """Before any program has begun, nothing in a slot has a right that a program should not have."""
    assert not waiting.wrong(server)


def test_the_program_that_is_released_has_no_switch_for_a_defence():
    """The names of src/sandbox/defence.h are in the build for `make defences` alone, and so is the code behind them."""
    spawner = harness.BUILD / "src/sandbox/codecrusher-spawner"
    assert subprocess.run([spawner, "--defences"], capture_output=True).returncode == 64
    program = spawner.read_bytes()
    for name in (n for n in defences.CAUGHT_BY if "-" in n):  # "capabilities" is a line of doctor, too
        assert name.encode() + b"\0" not in program, name
