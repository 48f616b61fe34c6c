# SPDX-License-Identifier: MIT
"""What the kernel did, in its own words: tracepoints of one ftrace instance, for as long as a test watches."""
import contextlib
import pathlib
import re
import subprocess

ROOT = pathlib.Path("/sys/kernel/tracing")
LINE = re.compile(r"^\s*(?P<comm>.+)-(?P<pid>\d+)\s+\[\d+\].*?: (?P<event>\w+): (?P<fields>.*)$")


class Trace:
    def __init__(self, instance):
        self.instance = instance

    def lines(self):
        """(comm of the acting process, its pid, event, fields) of everything so far."""
        found = [LINE.match(line) for line in (self.instance / "trace").read_text().splitlines()]
        return [(m["comm"], int(m["pid"]), m["event"], m["fields"]) for m in found if m]


@contextlib.contextmanager
def watch(*events):
    """watch("cgroup/cgroup_attach_task") gives a Trace."""
    if not (ROOT / "events").exists():
        subprocess.run(["mount", "-t", "tracefs", "tracefs", ROOT], check=True)
    instance = ROOT / "instances/codecrusher"
    instance.mkdir()
    try:
        for event in events:
            (instance / "events" / event / "enable").write_text("1")
        yield Trace(instance)
        for event in events:
            (instance / "events" / event / "enable").write_text("0")
    finally:
        instance.rmdir()
