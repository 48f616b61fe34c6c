# SPDX-License-Identifier: MIT
"""A real Docker Engine for the tests: its own directories, socket and process, no network, nothing of the host's.

Its images are made with debootstrap and kept in CODECRUSHER_TEST_CACHE (default /var/cache/codecrusher-test) between
runs; one stands in for every image that the shipped languages name, since registries may be out of reach.
"""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.parse
import zlib

import harness

CACHE = pathlib.Path(os.environ.get("CODECRUSHER_TEST_CACHE", "/var/cache/codecrusher-test"))
PACKAGES = "python3,nodejs,gcc,g++,libc6-dev,bash,perl,ruby,php-cli,lua5.4"
STALE = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists")
OWNER = "codecrusher.owner"
GATEWAY = "172.17.0.1"  # of an Engine with a network, in its own namespace


def missing():
    """What has to be installed, or None."""
    for program in ("dockerd", "debootstrap"):
        if not shutil.which(program):
            return f"{program} is not installed (scripts/setup docker)"
    return None


def image_names():
    names = [json.loads(f.read_text())["image"] for f in (harness.ROOT / "languages").glob("*.json")]
    return sorted(set(names))


def root_file_system(name="debian", release="stable", packages=PACKAGES):
    """A tar file with a minimal Debian and these packages; made once."""
    tar = CACHE / f"{name}-{zlib.crc32(packages.encode()):08x}.tar"
    if not tar.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as work:
            root = pathlib.Path(work, "root")
            subprocess.run(
                ["debootstrap", "--variant=minbase", *([f"--include={packages}"] if packages else []), release, root],
                check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            for place in STALE:
                shutil.rmtree(root / place, ignore_errors=True)
            subprocess.run(["tar", "-C", root, "-cf", f"{work}/new.tar", "."], check=True)
            os.rename(f"{work}/new.tar", tar)
    return tar


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("docker", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Engine:
    def __init__(self, network=False):
        """With `network`, it has bridges, a packet filter and published ports, all in a network namespace of its own:
        that of its process."""
        self.network = network
        # 0755: the server's engine is not root and has to reach the socket.
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="codecrusher-docker-"))
        self.base.chmod(0o755)
        self.socket = self.base / "docker.sock"
        self.process = None

    def command(self):
        command = ["dockerd", "--data-root", self.base / "data", "--exec-root", self.base / "exec"]
        command += ["--pidfile", self.base / "pid", "-H", f"unix://{self.socket}"]
        if self.network:
            command.append(f"--bip={GATEWAY}/16")
            return ["unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]
        # The host's bridge and packet filter are left alone: containers have no network anyway.
        return [*command, "--iptables=false", "--ip6tables=false", "--bridge=none"]

    def start(self):
        with open(self.base / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def answers():
            assert self.process.poll() is None, f"dockerd ended:\n{self.log()[-3000:]}"
            try:
                return self.request("GET", "/_ping")[0] == 200
            except OSError:
                return False

        harness.wait_until(answers, 60, "dockerd to answer")
        return self

    def log(self):
        return (self.base / "log").read_text(errors="replace")

    def request(self, method, path, body=None):
        connection = Connection(self.socket)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def json(self, method, path, body=None):
        status, text = self.request(method, path, body)
        assert status < 300, text
        return json.loads(text or "null")

    def make_images(self):
        first, *others = image_names()
        self.import_image(root_file_system(), first)
        for name in others:
            self.tag(first, name)
        return self

    def import_image(self, tar, name):
        repo, tag = name.rsplit(":", 1)
        query = urllib.parse.urlencode({"fromSrc": "-", "repo": repo, "tag": tag})
        with open(tar, "rb") as f:
            status, text = self.request("POST", f"/images/create?{query}", f)
        assert status == 200 and b'"error"' not in text, text[-500:]

    def tag(self, have, name):
        repo, tag = name.rsplit(":", 1)
        query = urllib.parse.urlencode({"repo": repo, "tag": tag})
        status, text = self.request("POST", f"/images/{have}/tag?{query}")
        assert status == 201, text

    def containers(self):
        """Ours, whatever their state."""
        filters = urllib.parse.quote(json.dumps({"label": [OWNER]}))
        return self.json("GET", f"/containers/json?all=1&filters={filters}")

    def kill(self):
        """As a crash would: SIGKILL, and its containerd with it."""
        pids = [p for p, (parent, _, _) in harness.processes().items() if parent == self.process.pid]
        self.process.kill()
        self.process.wait()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        # Whoever inherited them may not have reaped them yet, and the next Engine would take them for alive.
        for name in ("pid", "exec/containerd/containerd.pid"):
            (self.base / name).unlink(missing_ok=True)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    def end_orphans(self):
        """A killed Engine's shims live on. Both they and their containers' cgroups are found by this Engine's path."""
        for pid in harness.processes():
            try:
                words = pathlib.Path("/proc", str(pid), "cmdline").read_text().split("\0")
            except OSError:
                continue
            if "containerd-shim" in words[0] and any(w.startswith(f"{self.base}/") for w in words):
                os.kill(pid, signal.SIGKILL)
                harness.wait_until(lambda p=pid: harness.processes().get(p, (0, "", "Z"))[2] == "Z", 10, "a shim to end")
                for group in pathlib.Path("/sys/fs/cgroup").glob(f"**/docker/{words[words.index('-id') + 1]}"):
                    with contextlib.suppress(OSError):
                        group.rmdir()

    def remove(self):
        self.stop()
        self.end_orphans()
        mounts = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
        for place in sorted((m.split()[4] for m in mounts if str(self.base) in m), reverse=True):
            subprocess.run(["umount", "-l", place], check=False)
        shutil.rmtree(self.base, ignore_errors=True)


def settings(docker, **more):
    return {"CODECRUSHER_EXECUTOR": "docker", "CODECRUSHER_DOCKER_SOCKET": docker.socket, **more}


def wait_languages(s, but=()):
    """Until they are known, which takes containers: the API opens earlier."""

    def known():
        return all(x["available"] or x["name"] in but for x in s.get("/api/v1/languages").json()["languages"])

    harness.wait_until(known, 60, "the languages to be known")
    return s
