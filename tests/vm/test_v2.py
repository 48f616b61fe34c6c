# SPDX-License-Identifier: MIT
"""What the kernel offers on cgroup v2 alone, and that it is used."""
import os
import pathlib
import re
import signal
import subprocess

import harness
import kernel_trace

MIB = 1 << 20


def slots(server):
    """Directories of the slots' control groups."""
    return [path for path in server.settings.cgroups() if re.fullmatch(r"s\d+", path.name)]


def read(path):
    try:
        return path.read_text().strip()
    except OSError:  # its slot has just ended
        return None


def test_the_machine_is_what_these_tests_are_for():
    assert pathlib.Path("/proc/self/cgroup").read_text().count("\n") == 1
    controllers = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").read_text().split()
    assert {"memory", "pids", "cpu"} <= set(controllers)
    mounted = {line.split()[2] for line in pathlib.Path("/proc/mounts").read_text().splitlines()}
    assert "cgroup2" in mounted and "cgroup" not in mounted


def test_server_and_slots_are_where_the_service_manager_put_them(server):
    own = pathlib.Path("/proc/self/cgroup").read_text().strip().removeprefix("0::")
    unit = own.removesuffix(f"/{server.settings.cgroup}-ctl")
    assert re.fullmatch(r"/system.slice/[^/]+\.service", unit), own
    for role in ("monitor", "engine", "spawner"):
        group = pathlib.Path(f"/proc/{server.find(role)}/cgroup").read_text().strip()
        assert group == f"0::{unit}/{server.settings.cgroup}-ctl", role
    assert slots(server)
    for path in slots(server):
        assert str(path).startswith(f"/sys/fs/cgroup{unit}/{server.settings.cgroup}/i")


def test_a_program_is_in_its_group_from_birth(server):
    """CLONE_INTO_CGROUP: while programs run, and slots are built, nothing is ever moved into a slot's group; and yet
    every process of a slot is in one."""
    with kernel_trace.watch("cgroup/cgroup_attach_task") as watched:
        group = pathlib.Path("/sys/fs/cgroup/test-control")
        group.mkdir()
        with subprocess.Popen(["sleep", "60"]) as moved:
            (group / "cgroup.procs").write_text(str(moved.pid))
            moved.kill()
        group.rmdir()
        for _ in range(3):
            assert server.run("python", "import os; os.fork(); print(open('/proc/self/cgroup').read())")["verdict"] == "ok"
        job = server.submit("bash", "sleep 60 & sleep 60")
        harness.wait_until(lambda: sleeps(server) == 2, 10, "two processes of the program")
        for pid in server.settings.processes():
            place = read(pathlib.Path(f"/proc/{pid}/cgroup"))
            assert place is None or re.search(rf"/{server.settings.cgroup}/i\d+/s\d+$", place), place
        assert server.request("DELETE", f"/api/v1/jobs/{job}").status_code < 300
        server.result(job)
        seen = [fields for _, _, event, fields in watched.lines() if event == "cgroup_attach_task"]
        assert [fields for fields in seen if "test-control" in fields], "the kernel does tell"
        assert not [fields for fields in seen if server.settings.cgroup in fields], seen


def sleeps(server):
    alive = harness.processes()
    return sum(1 for pid in server.settings.processes() if alive.get(pid, (0, "", ""))[1] == "sleep")


def test_the_limits_are_in_the_groups_before_a_program_is(start_server):
    server = start_server(CODECRUSHER_SLOT_CPUS="0.5")
    wanted = {"memory.oom.group": "1", "cpu.max": "50000 100000"}
    waiting = [path for path in slots(server) if read(path / "cgroup.procs")]
    assert waiting, "a slot that waits has its processes already"
    for path in waiting:
        found = {name: read(path / name) for name in wanted}
        assert found == wanted or None in found.values(), found
        assert int(read(path / "pids.max") or 1) <= 513 and (read(path / "memory.max") or "0").isdigit()
        assert read(path / "memory.swap.max") in ("0", None), "the kernel may have no swap"


def test_want_of_memory_ends_parent_and_child(server):
    """memory.oom.group: the kernel kills all of the slot, not the largest process alone. The spawner, which would do the
    same as soon as it hears of it, is stopped meanwhile."""
    code = (
        "import os, sys, time\nsys.stdin.read()\nif os.fork() == 0:\n open('/proc/self/comm', 'w').write('hungry')\n time.sleep(3)\n"
        " x = bytearray(200 << 20)\nopen('/proc/self/comm', 'w').write('waiting')\ntime.sleep(600)\nprint('the parent lives')"
    )
    job = server.submit("python", code, limits={"memoryBytes": 100 * MIB, "wallMs": 100000})

    def pids():
        alive = harness.processes()
        return {alive[pid][1]: pid for pid in server.settings.processes() if pid in alive and alive[pid][2] != "Z"}

    harness.wait_until(lambda: {"hungry", "waiting"} <= set(pids()), 10, "parent and child")
    spawner = server.find("spawner")
    os.kill(spawner, signal.SIGSTOP)
    try:
        harness.wait_until(lambda: "hungry" not in pids(), 10, "the child to be killed")
        harness.wait_until(lambda: "waiting" not in pids(), 2, "its parent to be killed too")
    finally:
        os.kill(spawner, signal.SIGCONT)
    r = server.result(job)
    assert (r["verdict"], r["stdout"]) == ("memory_limit", ""), r


def test_a_cancelled_program_is_killed_whole_by_the_spawner(server):
    """cgroup.kill: each process gets its SIGKILL from the spawner itself, not only from the end of the slot's init."""
    job = server.submit("bash", "for i in 1 2 3 4 5; do sleep 60 & done; wait")
    harness.wait_until(lambda: sleeps(server) == 5, 10, "five processes of the program")
    alive = harness.processes()
    ours = {pid for pid in server.settings.processes() if alive.get(pid, (0, "", ""))[1] == "sleep"}
    with kernel_trace.watch("signal/signal_generate") as watched:
        assert server.request("DELETE", f"/api/v1/jobs/{job}").status_code < 300
        assert server.result(job)["verdict"] == "cancelled"
        harness.wait_until(lambda: not ours & set(harness.processes()), 5, "all five to be gone")
        spawner = server.find("spawner")
        killed = set()
        for _, actor, _, fields in watched.lines():
            found = re.search(r"sig=9 .*comm=sleep pid=(\d+)", fields)
            if found and actor == spawner:
                killed.add(int(found.group(1)))
    assert ours <= killed, (ours, killed)


def test_the_peak_is_this_programs_own(server):
    large = server.run("python", "x = bytearray(60 << 20)")
    assert 60 * MIB <= large["memoryBytes"] <= 90 * MIB
    assert server.run("bash", "true")["memoryBytes"] <= 20 * MIB, "memory.peak of a slot does not outlive it"


def test_processor_time_comes_from_the_group(server):
    """Also of processes that nobody waited for."""
    code = "import os, time\nif os.fork() == 0:\n while time.process_time() < 0.5: pass\n os._exit(0)\ntime.sleep(2)\n"
    r = server.run("python", code)
    assert r["verdict"] == "ok" and r["cpuMs"] >= 500, r


def test_nothing_is_left_behind(start_server):
    s = start_server()
    assert s.run("bash", "sleep 60 & echo ok")["stdout"] == "ok\n"
    settings = s.settings
    s.stop()
    left = [path for path in settings.cgroups() if re.fullmatch(r"[si]\d+", path.name)]
    assert left == []
