# SPDX-License-Identifier: MIT
import pathlib
import time

import pytest

import harness


def slot_mounts():
    """What a slot mounts carries these names; on the host nothing does."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        _, _, _, source, *_ = line[line.index(" - ") :].split(" ")
        if source in ("box", "rootfs") and line.split()[4] != "/":
            yield line


class Idle:
    """What the machine looks like while a server has nothing to do."""

    def __init__(self, settings):
        self.settings = settings
        self.seen = None

    def look(self):
        return {
            "processes with the slots' uids": len(self.settings.processes()),
            "cgroups": len(self.settings.cgroups()),
            "mounts of slots, seen on the host": sorted(slot_mounts()),
        }

    def settle(self):
        """Waits until the pool is full: the numbers stay the same while nothing runs."""

        last = [None, 0.0]

        def steady():
            now = self.look()
            if now != last[0]:
                last[:] = [now, time.monotonic()]
            return now if time.monotonic() - last[1] > 0.3 else None

        self.seen = harness.wait_until(steady, 20, "an idle server")

    def check(self):
        def same():
            return self.look() == self.seen

        try:
            harness.wait_until(same, 15)
        except AssertionError:
            raise AssertionError(f"left behind: {self.look()}, was {self.seen}") from None


@pytest.fixture(scope="session")
def idle(server):
    assert server.run("bash", "true")["verdict"] == "ok"
    found = Idle(server.settings)
    found.settle()
    return found


@pytest.fixture(autouse=True)
def nothing_is_left_and_the_next_job_is_unharmed(idle, server):
    """Around every test of this directory: whatever its programs did, as many processes and cgroups are there
    as before, and every slot still runs a program right."""
    yield
    idle.check()
    jobs = [server.submit("bash", "echo canary; cat", stdin="sings") for _ in range(4)]
    for job in jobs:
        r = server.result(job)
        assert (r["verdict"], r["stdout"], r["stderr"]) == ("ok", "canary\nsings", "")
