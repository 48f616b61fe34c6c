# SPDX-License-Identifier: MIT
"""The stack of docker-compose.yml, built and run on a Docker Engine of the tests' own.

Public images cannot be taken for granted, so those that the Compose file names are made here under the same names:
debian from debootstrap, redis from the distribution's package, mongo from FerretDB. Our own images are built by the
Dockerfile as it is. The test process itself moves into the Engine's network namespace, where the ports are published:
nothing here can meet what else this machine serves on port 3000.
"""
import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import apt_proxy
import engine
import harness
import yaml

DEBIAN = "debian:trixie-slim"
REDIS = "redis:7.2-bookworm"
MONGO = "mongo:7.0"
HERE = pathlib.Path(__file__).parent
NAMES = [f"code_crusher_{what}" for what in ("mongo", "redis", "server", "worker")]


def missing():
    for program in ("docker", "docker-compose", "ip", "iptables", "unshare"):
        if not shutil.which(program):
            return f"{program} is not installed (scripts/setup compose)"
    return engine.missing()


class Namespace:
    """The calling thread's network namespace: that of process `pid` until leave()."""

    def __init__(self, pid):
        self.old = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        new = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        self.move(new)
        os.close(new)

    @staticmethod
    def move(fd):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(fd, apt_proxy.CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def leave(self):
        self.move(self.old)
        os.close(self.old)


class Engine(engine.Engine):
    """One with a network, the public images, and packages for what is built on it."""

    def __init__(self):
        super().__init__(network=True)
        self.config = self.base / "config"
        self.config.mkdir()
        self.proxy = self.namespace = None

    def start(self):
        super().start()
        self.proxy = apt_proxy.AptProxy(self.process.pid, engine.GATEWAY, engine.CACHE / "apt")
        (self.config / "config.json").write_text(json.dumps({"proxies": {"default": {"httpProxy": self.proxy.url}}}))
        self.import_image(engine.root_file_system("debian-trixie", "trixie", ""), "debootstrap:trixie")
        self.docker("build", "-q", "-t", DEBIAN, HERE / "debian")
        self.docker("build", "-q", "-t", REDIS, HERE / "redis")
        self.build_mongo()
        self.namespace = Namespace(self.process.pid)
        return self

    def build_mongo(self):
        subprocess.run([harness.ROOT / "scripts/mongo-server", "build", harness.BUILD], check=True, stdout=subprocess.DEVNULL)
        with tempfile.TemporaryDirectory() as context:
            for file in (*(HERE / "mongo").iterdir(), harness.BUILD / "ferretdb/ferretdb"):
                shutil.copy(file, context)
            self.docker("build", "-q", "-t", MONGO, context)

    def add_compose_plugin(self):
        """`docker compose`, as Debian 13 packages it; Debian 12 has docker-compose alone."""
        self.docker("build", "-q", "-t", "compose-plugin", HERE / "plugin")
        self.docker("create", "--name", "compose-plugin", "compose-plugin", "true")
        plugins = self.config / "cli-plugins"
        plugins.mkdir()
        self.docker("cp", "compose-plugin:/plugin/docker-compose", plugins)
        self.docker("rm", "compose-plugin")

    def env(self, **more):
        return harness.clean_env(DOCKER_HOST=f"unix://{self.socket}", DOCKER_CONFIG=self.config, **more)

    def docker(self, *words, check=True):
        """What `docker WORDS` prints to both of its outputs."""
        return run(["docker", *words], self.env(), check=check)

    def inspect(self, name):
        return self.json("GET", f"/containers/{name}/json")

    def remove(self):
        if self.namespace:
            self.namespace.leave()
        if self.proxy:
            self.proxy.close()
        for container in self.json("GET", "/containers/json?all=1") if self.process else []:
            self.request("DELETE", f"/containers/{container['Id']}?force=1")
        super().remove()


def run(words, env, cwd=None, check=True):
    done = subprocess.run(
        words, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", shell=isinstance(words, str), timeout=1200,
    )  # fmt: skip
    assert not check or done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout[-6000:]}"
    return done.stdout


def copy_tree(to):
    """What a clone would have, with the changes that are not committed yet."""
    names = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], harness.clean_env(), harness.ROOT)
    for name in filter(None, names.split("\0")):
        source = harness.ROOT / name
        if source.exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, to / name, follow_symlinks=False)


class Published(harness.Server):
    """The API of a running stack, for what tests ask of any server."""

    def __init__(self):
        super().__init__()
        self.port = 3000


class Stack:
    """A checkout, and what a user types in it."""

    def __init__(self, docker, file="docker-compose.yml", **env):
        self.docker, self.file = docker, file
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="codecrusher-compose-"))
        self.env = docker.env(COMPOSE_FILE=file, DOCKER_SOCKET=docker.socket, **env)
        copy_tree(self.place)
        self.api = Published()

    def type(self, command):
        """A line of shell; returns what it prints."""
        return run(command, self.env, self.place)

    def services(self):
        return yaml.safe_load((self.place / self.file).read_text())["services"]

    def containers(self):
        return self.docker.json("GET", "/containers/json?all=1")

    def workers(self):
        """Names of the workers' containers that run."""
        names = [c["Names"][0].lstrip("/") for c in self.containers() if c["State"] == "running"]
        return sorted(n for n in names if "worker" in n)

    def health(self, name):
        return self.docker.inspect(name)["State"]["Health"]["Status"]

    def wait_healthy(self, *names):
        for name in names:
            harness.wait_until(lambda n=name: self.health(n) == "healthy", 60, f"{name} to be healthy")

    def remove(self):
        self.api.clean()
        run("docker-compose --env-file .env down -v -t 2", self.env, self.place, check=False)
        shutil.rmtree(self.place)
