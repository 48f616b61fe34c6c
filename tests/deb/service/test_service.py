# SPDX-License-Identifier: MIT
"""The package as a service of systemd, on cgroup v2: started by its installation, restarted, stopped, removed."""
import os
import pathlib
import signal
import subprocess

import harness

UNIT = "codecrusher.service"
GROUP = pathlib.Path("/sys/fs/cgroup/system.slice", UNIT)
CONFIG = pathlib.Path("/etc/codecrusher/codecrusher.env")


def run(*words, check=True):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert not check or done.returncode == 0, f"{words}:\n{done.stdout}"
    return done.stdout


def state(name):
    return run("systemctl", "show", "--value", f"--property={name}", UNIT).strip()


def journal():
    return run("journalctl", "--unit", UNIT, "--no-pager", check=False)


class Installed(harness.Server):
    """The service, on its default port."""

    def __init__(self):
        super().__init__()
        self.port = 3000

    def wait(self):
        def ready():
            try:
                return self.get("/readyz").status_code == 200
            except harness.requests.ConnectionError:
                return False

        harness.wait_until(ready, 60, "the service to be ready")


def the_two_halves(server):
    """Redis and MongoDB are away here: the server says so, the worker gets its slots ready and waits."""
    CONFIG.write_text(CONFIG.read_text() + "REDIS_URL=redis://127.0.0.1:1/0\nMONGO_URL=mongodb://127.0.0.1:1/x\n")
    run("systemctl", "start", "codecrusher-server", "codecrusher-worker")

    def alive():
        try:
            return server.get("/healthz").status_code == 200
        except harness.requests.ConnectionError:
            return False

    harness.wait_until(alive, 60, "the server to answer")
    assert server.get("/readyz").status_code == 503
    harness.wait_until(lambda: "the spawner is ready" in run("journalctl", "-u", "codecrusher-worker", "--no-pager"), 60, "slots")
    for half in ("server", "worker"):
        assert run("systemctl", "show", "--value", "--property=NRestarts", f"codecrusher-{half}").strip() == "0"
    run("systemctl", "stop", "codecrusher-server", "codecrusher-worker")


def test_the_life_of_the_service():
    """One test: each step needs the one before."""
    # The libraries are there, not as packages: the machine has no network to get them by.
    run("dpkg", "--install", "--force-depends", "/disk/codecrusher.deb")
    for half in ("", "-server", "-worker"):
        run("systemd-analyze", "verify", f"codecrusher{half}.service")
    assert state("ActiveState") == "active" and state("Delegate") == "yes", journal()
    assert run("systemctl", "is-enabled", UNIT).strip() == "enabled"
    server = Installed()
    server.wait()
    r = server.run("python", "print(open('/proc/self/cgroup').read())")
    assert r["verdict"] == "ok", r
    slots = [p for p in GROUP.rglob("cgroup.procs") if "codecrusher/i" in str(p)]
    assert slots, "its control groups are below the unit's own"
    assert server.run("c", "int main(void) { return 0; }")["verdict"] == "ok"
    memory = server.run("python", "x = bytearray(200 << 20)", limits={"memoryBytes": 64 << 20})
    assert memory["verdict"] == "memory_limit"

    # Killed as by a crash: systemd starts it again, with what it knew.
    kept = server.submit("bash", "echo kept")
    assert server.result(kept)["stdout"] == "kept\n"
    os.kill(int(state("MainPID")), signal.SIGKILL)
    harness.wait_until(lambda: state("NRestarts") == "1" and state("ActiveState") == "active", 30, "a restart")
    server.wait()
    assert server.result(kept)["stdout"] == "kept\n"

    # A setting that cannot be used is for a person to repair.
    CONFIG.write_text(CONFIG.read_text() + "PORT=none\n")
    run("systemctl", "stop", UNIT)
    run("systemctl", "start", UNIT, check=False)
    harness.wait_until(lambda: state("ActiveState") == "failed", 30, "the start to be refused")
    assert state("ExecMainStatus") == "78" and state("NRestarts") == "0"
    CONFIG.write_text(CONFIG.read_text().replace("PORT=none\n", ""))
    run("systemctl", "reset-failed", UNIT)
    run("systemctl", "start", UNIT)
    server.wait()

    run("systemctl", "stop", UNIT)
    assert state("ExecMainStatus") == "0" and not GROUP.exists()
    the_two_halves(server)
    run("systemctl", "start", UNIT)
    run("dpkg", "--purge", "codecrusher")
    assert not GROUP.exists() and not CONFIG.exists() and not pathlib.Path("/var/lib/codecrusher").exists()
    assert "not-found" in state("LoadState")
    server.clean()
