# SPDX-License-Identifier: MIT
"""The distributed pair for tests: a real Redis, a server of MongoDB's protocol, APIs and workers of ours, and Node
processes with the real BullMQ packages."""
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess

import harness
from harness import wait_until

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = harness.ROOT / "scripts"
_queues = itertools.count(1)


class Distributed:
    """One queue and one database of the shared Redis and MongoDB, and who works on them."""

    def __init__(self, redis, mongo, bullmq):
        self.redis, self.mongo, self.bullmq = redis, mongo, bullmq
        self.number = next(_queues)
        self.queue = f"q{self.number}"
        self.started = []

    def env(self, **more):
        return {
            "REDIS_URL": f"redis://127.0.0.1:{self.redis.port}/0",
            "MONGO_URL": f"mongodb://127.0.0.1:{self.mongo.port}/q{self.number}",
            "CODECRUSHER_QUEUE_NAME": self.queue,
            "CODECRUSHER_CONCURRENCY": 2,
            **more,
        }

    def api(self, **more):
        server = harness.Server(verb="server", **self.env(**more))
        self.started.append(server)
        return server.start(ready=False)

    def able(self):
        """How many workers have told what they can run, python among it."""
        return self.redis.ask("HVALS", self.key("cc:workers:info")).count('"python"')

    def worker(self, **more):
        before = self.able()
        worker = harness.Worker(**self.env(**more)).start()
        self.started.append(worker)
        wait_until(lambda: self.able() > before, 30, "a worker to publish its languages")
        return worker

    def both(self):
        """An API and a worker, ready for submits."""
        worker = self.worker()
        api = self.api()
        api.wait_ready()
        return api, worker

    def node(self, script, *arguments, timeout=40):
        """Runs a script of this directory against the chosen bullmq; what it prints is JSON."""
        done = subprocess.run(
            ["node", HERE / script, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.node_env(),
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    def node_start(self, script, *arguments):
        """Starts one that goes on; `.ready` is the first line it prints."""
        process = subprocess.Popen(
            ["node", HERE / script, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self.node_env(),
        )
        self.started.append(NodeProcess(process))
        assert process.stdout.readline().strip() == "ready"
        return process

    def node_env(self):
        return {
            "PATH": os.environ["PATH"],
            "NODE_PATH": str(self.bullmq / "node_modules"),
            "REDIS_PORT": str(self.redis.port),
            "QUEUE": self.queue,
        }

    def key(self, name):
        return f"bull:{self.queue}:{name}"

    def events(self):
        """The stream of events, as dicts. redis-cli prints an entry's id and then, line by line, its fields and values."""
        told = []
        for line in self.redis.ask("XRANGE", self.key("events"), "-", "+").splitlines():
            if re.fullmatch(r"\d+-\d+", line):
                told.append([])
            else:
                told[-1].append(line)
        return [dict(zip(fields[::2], fields[1::2])) for fields in told]

    def stop(self):
        problems = []
        for thing in reversed(self.started):
            try:
                thing.stop()
            except BaseException as problem:  # the others have to go as well
                problems.append(problem)
                thing.kill()
        if problems:
            raise problems[0]


class NodeProcess:
    def __init__(self, process):
        self.process = process

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    kill = stop
