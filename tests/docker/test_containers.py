# SPDX-License-Identifier: MIT
"""What is particular to containers of a Docker Engine: how they are made, what differs from a native slot (with its
tolerance), and what happens when the Engine, an image or the server is not there."""
import json
import os
import shutil
import signal
import time

import engine
import harness
import pytest
import test_as_native as native

MIB = 1 << 20
BOX_MEMORY = 8 * MIB  # src/box/protocol.h


def killed(r, verdict):
    assert (r["status"], r["verdict"], r["exitCode"]) == ("failed", verdict, None), r
    assert " " in r["response"], "a sentence"


def value(module, name):
    return native.load_value(module, name)


# ---- the limits whose bounds are wider than a slot's


@pytest.mark.parametrize("case", value("test_limits", "CPU"))
def test_cpu_time(server, case):
    r = server.run("python", value("test_limits", "CPU")[case], limits={"cpuMs": 500, "wallMs": 15000})
    killed(r, "cpu_time_limit")
    assert 500 <= r["cpuMs"] < 500 + 400 * harness.SLOW


@pytest.mark.parametrize("case", value("test_limits", "WALL"))
def test_wall_time(server, case):
    r = server.run("bash", "echo begun\n" + value("test_limits", "WALL")[case], limits={"wallMs": 600})
    killed(r, "wall_time_limit")
    assert r["stdout"] == "begun\n"
    assert 600 <= r["wallMs"] < 600 + 400 * harness.SLOW


@pytest.mark.parametrize("case", value("test_limits", "MEMORY"))
def test_memory(server, case):
    r = server.run("python", value("test_limits", "MEMORY")[case], limits={"memoryBytes": 100 * MIB, "diskBytes": 64 * MIB, "wallMs": 15000})
    killed(r, "memory_limit")
    assert 90 * MIB < r["memoryBytes"] <= 100 * MIB + BOX_MEMORY


def test_memory_below_the_limit_is_fine(server):
    r = server.run("python", "x = bytearray(80 << 20); print(len(x))", limits={"memoryBytes": 100 * MIB})
    assert (r["verdict"], r["stdout"]) == ("ok", f"{80 << 20}\n")
    assert 80 * MIB <= r["memoryBytes"] <= 100 * MIB


def test_the_smallest_memory_limit_still_runs(server):
    r = server.run("c", "int main(void) { return 0; }", limits={"memoryBytes": 4 * MIB})
    assert r["verdict"] == "ok", r


def test_each_place_has_the_whole_disk(server):
    code = """
import os
for place in ('/box', '/tmp', '/dev/shm'):
    n = 0
    try:
        with open(place + '/x', 'wb', buffering=0) as f:
            while True: n += f.write(bytes(65536))
    except OSError as e: print(n >> 20, e.errno)
"""
    r = server.run("python", code, limits={"diskBytes": 8 * MIB, "fileBytes": 32 * MIB})
    assert r["stdout"].split() in (["8", "28"] * 3, ["7", "28"] + ["8", "28"] * 2), r["stdout"]


# ---- what a program finds


HIDDEN = [
    "/etc/shadow", "/root", "/run/docker.sock", "/var/run/docker.sock", "/proc/kcore", "/proc/keys", "/proc/timer_list",
    "/proc/interrupts", "/proc/1/environ", "/proc/1/root", "/proc/1/cwd", "/proc/1/fd", "/proc/1/mem", "/proc/1/exe", "/proc/1/maps",
    "/sys/devices", "/sys/kernel", "/sys/class", "/sys/module", "/sys/block", "/sys/firmware",
    "/dev/mem", "/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/tty",
]  # fmt: skip


@pytest.mark.parametrize("path", HIDDEN)
def test_what_it_must_not_read(server, path):
    code = f"""
import os
p = {path!r}
try:
    print('found', os.listdir(p) if os.path.isdir(p) else open(p, 'rb').read(100))
except OSError:
    pass
"""
    r = server.run("python", code)
    assert r["stdout"] in ("", "found []\n", "found b''\n")


def test_nothing_outside_its_places_can_be_written(server):
    code = """
import os
found = []
for top, dirs, files in os.walk('/'):
    if top.startswith(('/proc', '/box', '/tmp', '/dev/shm')): continue
    for p in [top] + [os.path.join(top, f) for f in files]:
        if os.access(p, os.W_OK): found.append(p)
print(sorted(found))
"""
    r = server.run("python", code, limits={"cpuMs": 30000, "wallMs": 60000})
    devices = {"/dev/full", "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/mqueue", "/dev/pts/ptmx"}
    links = {"/dev/core", "/dev/stdin", "/dev/stdout", "/dev/stderr"}
    assert set(eval(r["stdout"])) <= devices | links, r


def test_the_environment_is_the_images_and_ours(server):
    r = server.run("python", "import os; print(sorted(os.environ.items()))", env={"MINE": "1", "LANG": "C"})
    assert r["verdict"] == "ok", r
    env = dict(eval(r["stdout"]))
    assert (env["HOME"], env["TMPDIR"], env["LANG"], env["MINE"]) == ("/box", "/tmp", "C", "1")
    assert "HOSTNAME" not in env and "/usr/bin" in env["PATH"].split(":")
    assert not [n for n in env if n.startswith(("CODECRUSHER", "DOCKER"))]


def test_it_is_another_user_than_the_box(server):
    r = server.run("bash", "id -u; stat -c %u /proc/1; cat /proc/1/comm")
    own, box, name = r["stdout"].split()
    assert int(own) >= 60000 and box != own and name == "codecrusher-box"


FORGERIES = {
    "the box's stdout": "for fd in range(3): open(f'/proc/1/fd/{fd}', 'wb').write(bytes(400))",
    "its memory": "open('/proc/1/mem', 'r+b').read(1)",
    "a tracer": "import ctypes; l = ctypes.CDLL(None, use_errno=True); assert l.ptrace(16, 1, 0, 0) == 0",
    "signals": "import os\nfor s in (9, 15, 19, 2): os.kill(1, s)",
}


@pytest.mark.parametrize("case", FORGERIES)
def test_the_box_is_out_of_reach(server, case):
    r = server.run("python", "try:\n" + "".join(f"    {line}\n" for line in FORGERIES[case].splitlines()) + "    print('it worked')\nexcept (OSError, AssertionError): pass")
    assert (r["verdict"], r["stdout"]) == ("ok", ""), r


def test_frames_in_the_output_are_output(server):
    """A program that prints what the box would say is still only a program that prints."""
    code = "import os, struct\nos.write(1, struct.pack('<II', 7, 300) + bytes(300)); os.write(2, b'\\x01\\0\\0\\0\\0\\0\\0\\x08' * 9); os._exit(3)"
    r = server.run("python", code)
    assert (r["verdict"], r["exitCode"], len(r["stdout"])) == ("runtime_error", 3, 308)


def test_the_box_is_no_program_for_others(server):
    r = server.run("bash", "/.codecrusher/codecrusher-box")
    assert r["exitCode"] == 2 and "process 1" in r["stderr"]


# ---- containers


def containers(docker, s, state=None):
    """Those of one server."""
    own = str(s.find("engine"))
    return [c for c in docker.containers() if c["Labels"][engine.OWNER].split()[1] == own and state in (None, c["State"])]


def wait_running(docker, s):
    """The container of a server without spares in which a program named sleep is running."""

    def found():
        for c in containers(docker, s, "running"):
            status, text = docker.request("GET", f"/containers/{c['Id']}/top?ps_args=-eo%20pid,comm")
            if status == 200 and any(row[-1] == "sleep" for row in json.loads(text)["Processes"] or []):
                return c
        return None

    return harness.wait_until(found, 20, "the program to run")


def test_localhost_is_known(server):
    r = server.run("bash", "grep -w localhost /etc/hosts | head -n 1 && wc -l < /proc/net/dev")
    assert r["stdout"].split() == ["127.0.0.1", "localhost", "3"], r  # two lines of headings, and lo


def test_how_a_container_is_made(docker, start_docker_server):
    s = start_docker_server(CODECRUSHER_DOCKER_SPARES=0)
    job = s.submit("bash", "sleep 20", limits={"memoryBytes": 50 * MIB, "processes": 9, "diskBytes": 8 * MIB})
    made = docker.json("GET", f"/containers/{wait_running(docker, s)['Id']}/json")
    host = made["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"] and sorted(host["CapAdd"]) == ["KILL", "SETGID", "SETPCAP", "SETUID"]
    assert host["SecurityOpt"] == ["no-new-privileges=true"] and not host["Privileged"]
    assert host["ReadonlyRootfs"] and host["AutoRemove"] and host["LogConfig"]["Type"] == "none"
    assert host["Memory"] == host["MemorySwap"] == 50 * MIB + BOX_MEMORY
    assert host["PidsLimit"] == 10 and host["CpuQuota"] == 2 * host["CpuPeriod"]
    assert host["IpcMode"] == "none" and host["CgroupnsMode"] == "private"
    assert sorted(host["Tmpfs"]) == ["/box", "/dev/shm", "/tmp"]
    for options in host["Tmpfs"].values():
        assert {"nosuid", "nodev", f"size={8 * MIB}", "nr_inodes=2048"} <= set(options.split(","))
    assert not host["Binds"] and not host["Devices"]
    [mount] = made["Mounts"]
    assert not mount["RW"] and mount["Source"].endswith("/codecrusher-box")
    assert s.request("DELETE", f"/api/v1/jobs/{job}").status_code < 300
    harness.wait_until(lambda: not containers(docker, s), 20, "the container to be gone")


def test_containers_are_made_ahead_and_each_is_used_once(docker, start_docker_server):
    s = start_docker_server(CODECRUSHER_DOCKER_SPARES=2)
    harness.wait_until(lambda: not containers(docker, s), 20, "what asked for the versions to be gone")
    users = set()
    for _ in range(6):
        r = s.run("python", "import os; print(os.getuid()); open('/tmp/x', 'x')")
        assert r["verdict"] == "ok", r
        users.add(r["stdout"])
    assert len(users) == 6
    harness.wait_until(lambda: len(containers(docker, s, "running")) == len(containers(docker, s)) == 2, 20, "two spares")


def test_cancelling_a_running_job_ends_its_program_at_once(server):
    job = server.submit("bash", "echo begun; sleep 50")
    server.wait_state(job, "running")
    begin = time.monotonic()
    assert server.request("DELETE", f"/api/v1/jobs/{job}").status_code < 300
    r = server.result(job)
    assert r["verdict"] == "cancelled" and time.monotonic() - begin < 2 * harness.SLOW


def test_large_input_and_output(server):
    text = "x" * (12 * MIB)
    r = server.run("python", "import sys; d = sys.stdin.read(); print(len(d)); sys.stdout.write(d[:900000])", stdin=text, limits={"memoryBytes": 100 * MIB})
    assert (r["verdict"], len(r["stdout"])) == ("ok", 900009), {k: v for k, v in r.items() if k not in ("stdout", "response")}


def test_an_artifact_of_many_megabytes(server):
    code = "char big[20 << 20] = {1};\nint puts(const char *);\nint main(void) { puts(big[0] ? \"big\" : \"\"); return 0; }"
    r = server.run("c", code)
    assert (r["verdict"], r["stdout"]) == ("ok", "big\n"), r


def test_a_compiler_error(server):
    r = server.run("c", "int main(void) { return x; }")
    assert r["verdict"] == "compile_error" and "undeclared" in r["response"]


# ---- settings


def refused(docker, **more):
    s = harness.Server(**{"CODECRUSHER_EXECUTOR": "docker", "CODECRUSHER_DOCKER_SOCKET": docker.socket, **more})
    try:
        with pytest.raises(AssertionError):
            s.start()
        assert s.wait_exit() == 78
        return s.log.text()
    finally:
        s.clean()


def test_images_can_be_set(docker, start_docker_server):
    docker.tag(engine.image_names()[0], "own/python:1")
    s = start_docker_server(CODECRUSHER_DOCKER_IMAGES="python=own/python:1", CODECRUSHER_DOCKER_SPARES=0)
    s.submit("python", "import os; os.execvp('sleep', ['sleep', '5'])")
    assert wait_running(docker, s)["Image"] == "own/python:1"


def test_wrong_images_stop_the_start(docker):
    assert 'there is no language "cobolt"' in refused(docker, CODECRUSHER_DOCKER_IMAGES="cobolt=x:1")
    assert "is not language=image" in refused(docker, CODECRUSHER_DOCKER_IMAGES="python")


def test_an_image_that_is_missing_is_named_with_the_command_to_run(docker, start_server):
    s = start_server(CODECRUSHER_DOCKER_IMAGES="python=no/such:9", **engine.settings(docker))
    engine.wait_languages(s, but=["python"])
    s.log.wait_for(r"the image no/such:9 is missing on the Docker Engine: run docker pull no/such:9")
    assert s.run("bash", "echo others go on")["stdout"] == "others go on\n"
    assert s.post({"language": "python", "code": ""}).status_code in (400, 503)


def test_the_runtime_can_be_chosen(docker, start_docker_server):
    s = start_docker_server(CODECRUSHER_DOCKER_RUNTIME="runc", CODECRUSHER_DOCKER_SPARES=0)
    s.submit("bash", "sleep 5")
    found = docker.json("GET", f"/containers/{wait_running(docker, s)['Id']}/json")
    assert found["HostConfig"]["Runtime"] == "runc"


def test_a_runtime_the_engine_lacks_is_named(docker, start_server):
    s = start_server(ready=False, CODECRUSHER_EXECUTOR="docker", CODECRUSHER_DOCKER_SOCKET=docker.socket, CODECRUSHER_DOCKER_RUNTIME="nosuch")
    s.log.wait_for(r"nosuch")


def test_the_box_may_come_in_a_volume(docker, start_docker_server):
    volume = docker.json("POST", "/volumes/create", json.dumps({"Name": "codecrusher-box"}))
    shutil.copy(harness.BUILD / "src/box/codecrusher-box", volume["Mountpoint"])
    s = start_docker_server(CODECRUSHER_DOCKER_BOX="codecrusher-box")
    assert s.run("bash", "echo from a volume")["stdout"] == "from a volume\n"


# ---- the Engine, the server and what they leave


def test_a_server_that_dies_leaves_no_container(docker, start_docker_server):
    s = start_docker_server(CODECRUSHER_DOCKER_SPARES=0)
    s.submit("bash", "sleep 100", limits={"wallMs": 100000})
    wait_running(docker, s)
    mine = {c["Id"] for c in containers(docker, s)}
    os.kill(s.find("engine"), signal.SIGKILL)
    harness.wait_until(lambda: not mine & {c["Id"] for c in docker.containers()}, 30, "its containers to be gone")


def created(docker, owner):
    body = {"Image": engine.image_names()[0], "Cmd": ["true"], "Labels": {engine.OWNER: owner}, "HostConfig": {"NetworkMode": "none"}}
    return docker.json("POST", "/containers/create", json.dumps(body))["Id"]


def test_leftovers_are_swept_at_the_start_and_nothing_else(docker, start_docker_server):
    host = os.uname().nodename
    start = open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19]
    dead = created(docker, f"{host} 1 1")  # process 1 began at another time
    alive = created(docker, f"{host} {os.getpid()} {start}")
    elsewhere = created(docker, "another-host 1 1")
    start_docker_server()
    ids = lambda: {c["Id"] for c in docker.containers()}  # noqa: E731
    harness.wait_until(lambda: dead not in ids(), 20, "the leftover to be gone")
    assert {alive, elsewhere} <= ids()
    for container in (alive, elsewhere):
        assert docker.request("DELETE", f"/containers/{container}?force=1")[0] == 204


@pytest.fixture
def mortal():
    """An Engine of the test's own, to be killed."""
    if engine.missing():
        pytest.skip(engine.missing())
    e = engine.Engine()
    try:
        yield e.start().make_images()
    finally:
        e.remove()


def test_an_engine_that_dies_under_a_job_is_not_the_jobs_fault(mortal, start_server):
    s = engine.wait_languages(start_server(**engine.settings(mortal, CODECRUSHER_DOCKER_SPARES=0)))
    job = s.submit("bash", "echo begun; sleep 3; echo done", limits={"wallMs": 60000})
    wait_running(mortal, s)
    mortal.kill()
    harness.wait_until(lambda: s.get("/readyz").status_code == 503, 20, "the server to see it")
    s.log.wait_for("Docker Engine")
    mortal.start()
    r = s.result(job)
    assert (r["verdict"], r["stdout"]) == ("ok", "begun\ndone\n")
    assert r["attempts"] == 2


def test_a_server_started_before_its_engine_waits_for_it(start_server):
    if engine.missing():
        pytest.skip(engine.missing())
    e = engine.Engine()
    try:
        e.start().make_images().stop()
        s = start_server(ready=False, CODECRUSHER_EXECUTOR="docker", CODECRUSHER_DOCKER_SOCKET=e.socket)
        s.log.wait_for(r"no Docker Engine at .*docker.sock \(start it, or set CODECRUSHER_DOCKER_SOCKET\)")
        assert s.get("/readyz").status_code == 503
        e.start()
        engine.wait_languages(s)
        assert s.run("bash", "echo at last")["stdout"] == "at last\n"
    finally:
        e.remove()
