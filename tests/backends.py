# SPDX-License-Identifier: MIT
"""The pair of servers behind the distributed mode, for tests: a real Redis, and a real server of MongoDB's protocol."""
import contextlib
import itertools
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import tempfile

import harness
from harness import wait_until


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]




class Missing(Exception):
    """This machine has no such server; the message says what to install."""


class Backend:
    """A server, on a loopback port if nothing else is said, with its data in a directory of its own."""

    address = "127.0.0.1"
    inside = ()  # words in front of a command: where the server is

    def __init__(self, name, timeout):
        self.name, self.timeout = name, timeout
        self.dir = tempfile.mkdtemp(prefix=f"codecrusher-{name}-")
        self.port = free_port()
        self.process = None

    def start(self):
        command = [*self.inside, *self.command()]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, self.timeout, f"{self.name} to answer")
        return self

    def answers(self):
        """Whether its port is open. From a host of its own only a program there can tell."""
        there = ["bash", "-c", f"exec 3<>/dev/tcp/{self.address}/{self.port}"]
        return subprocess.run([*self.inside, *there], stderr=subprocess.DEVNULL).returncode == 0

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def remove(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class Redis(Backend):
    def __init__(self):
        super().__init__("redis", 10)

    def command(self):
        command = ["redis-server", "--port", str(self.port), "--bind", self.address, "--dir", self.dir, "--save", ""]
        command += ["--appendonly", "yes", "--logfile", "redis.log", "--maxmemory-policy", "noeviction"]
        return command + ["--protected-mode", "no"]

    def ask(self, *words):
        """A command's answer as redis-cli prints it to a pipe, without the last line feed."""
        command = [*self.inside, "redis-cli", "-h", self.address, "-p", str(self.port), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.rstrip("\n")


class Mongo(Backend):
    SCRIPT = harness.ROOT / "scripts/mongo-server"

    def __init__(self):
        super().__init__("mongo", 30)

    def start(self):
        built = subprocess.run([self.SCRIPT, "build", harness.BUILD], capture_output=True, text=True)
        if built.returncode == 77:
            raise Missing(built.stderr.strip())
        assert built.returncode == 0, built.stderr
        return super().start()

    def command(self):
        return [self.SCRIPT, "run", harness.BUILD, self.dir, str(self.port), self.address]

    def index_ids(self):
        """FerretDB v1 on SQLite looks for an _id by `->'$._id'`, and has an index of `->"_id"`, so it reads every document
        to find one. With an index of what it looks for, thousands of jobs are no trouble. A mongod needs none."""
        for path in pathlib.Path(self.dir).glob("*.sqlite"):
            with contextlib.closing(sqlite3.connect(path, timeout=30)) as db, db:
                for (table,) in db.execute("SELECT table_name FROM _ferretdb_collections").fetchall():
                    db.execute(f"""CREATE INDEX IF NOT EXISTS "{table}_looked_for" ON "{table}" (_ferretdb_sjson->'$._id')""")


class Pair:
    def __init__(self):
        self.redis, self.mongo = Redis(), Mongo()
        self.numbers = itertools.count(1)

    def start(self):
        self.mongo.start()
        self.redis.start()
        return self

    def remove(self):
        self.redis.remove()
        self.mongo.remove()

    def env(self):
        """Settings of a queue and a database that nobody else has."""
        name = f"q{next(self.numbers)}"
        return {
            "REDIS_URL": f"redis://127.0.0.1:{self.redis.port}/0",
            "MONGO_URL": f"mongodb://127.0.0.1:{self.mongo.port}/{name}",
            "CODECRUSHER_QUEUE_NAME": name,
        }
