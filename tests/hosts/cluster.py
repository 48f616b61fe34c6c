# SPDX-License-Identifier: MIT
"""Three API servers, four workers, Redis and a store, each on a host of its own, and one more host for the clients."""
import os
import shutil
import signal
import tempfile
import threading

import backends
import harness
from hosts import Network

JOBS = int(os.environ.get("CHAOS_JOBS", "500"))
LEASE_S = 2
# FerretDB has an index for `_id` alone, so a reconciliation reads every job there is: less often where there are many.
RECONCILE_S = 3 if JOBS <= 500 else 30
SLOTS = 2


class Redis(backends.Redis):
    def __init__(self, host):
        super().__init__()
        self.host, self.port = host, 6379
        self.inside, self.address = host.inside, host.address


class Mongo(backends.Mongo):
    def __init__(self, host):
        super().__init__()
        self.host, self.port = host, 27017
        self.inside, self.address = host.inside, host.address


class Node:
    """One of our servers on its host: it can be started again and again, and remembers all its logs."""

    def __init__(self, host, make):
        self.host, self.make = host, make
        self.settings = harness.Settings()
        self.server = None
        self.logs = []

    def start(self):
        self.server = self.make(self)
        self.server.inside, self.server.address = self.host.inside, self.host.address
        self.server.launch()
        self.logs.append(self.server.log)

    def pids(self):
        return [self.server.process.pid, *self.server.tree()]

    def signal_all(self, number):
        """From the monitor down to the programs: a host that stands still."""
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def signal(self, role, number):
        pid = self.server.find(role)
        if pid:
            os.kill(pid, number)

    def killed(self):
        """SIGKILLs the monitor, and waits until everything below it has ended with it."""
        below = self.server.tree()
        self.server.process.kill()
        self.server.process.wait()
        harness.wait_until(lambda: not set(below) & set(harness.processes()), 20, f"{self.host.name}'s end")

    def end(self):
        if self.server and self.server.process.poll() is None:
            self.signal_all(signal.SIGCONT)
            self.server.kill()
        self.settings.remove()


class Cluster:
    def __init__(self, servers=3, workers=4):
        self.network = Network()
        self.client = self.network.add("client")
        self.redis = Redis(self.network.add("redis"))
        self.mongo = Mongo(self.network.add("mongo"))
        self.languages = tempfile.mkdtemp(prefix="codecrusher-languages-")
        shutil.copy(harness.ROOT / "languages/bash.json", self.languages)
        os.chmod(self.languages, 0o755)
        self.servers = [Node(self.network.add(f"api{i}"), self.make_server) for i in range(servers)]
        self.workers = [Node(self.network.add(f"worker{i}"), self.make_worker) for i in range(workers)]

    def env(self, **more):
        timeouts = "serverSelectionTimeoutMS=2000&connectTimeoutMS=2000&socketTimeoutMS=2000"
        return {
            "REDIS_URL": f"redis://{self.redis.address}:{self.redis.port}",
            "MONGO_URL": f"mongodb://{self.mongo.address}:{self.mongo.port}/chaos?{timeouts}",
            "CODECRUSHER_LANGUAGES_DIR": self.languages,
            "CODECRUSHER_WARM_SLOTS": 0,
            "CODECRUSHER_LEASE": LEASE_S,
            "CODECRUSHER_RECONCILE": RECONCILE_S,
            **more,
        }

    def make_server(self, node):
        # Nobody can come here but the clients.
        env = self.env(HOST=node.host.address, CODECRUSHER_OPEN=1)
        server = harness.Server(node.settings, verb="server", **env)
        server.env["PORT"] = server.port = 3000
        return server

    def make_worker(self, node):
        env = self.env(CODECRUSHER_CONCURRENCY=SLOTS, CODECRUSHER_LOG_LEVEL="debug")
        return harness.Worker(node.settings, **env)

    @property
    def nodes(self):
        return [*self.servers, *self.workers]

    def start(self):
        self.redis.start()
        self.redis.ask("HSET", self.key("meta"), "opts.maxLenEvents", 10_000_000)
        self.mongo.start()
        for node in self.nodes:
            node.start()
        self.wait_ready()
        self.mongo.index_ids()
        return self

    def wait_ready(self, timeout=60):
        def every_server_is():
            for node in self.nodes:
                assert node.server.process.poll() is None, f"{node.host.name} ended:\n{node.server.log.text()[-2000:]}"
            return all(self.ask(n, "/readyz") == 200 for n in self.servers)

        harness.wait_until(every_server_is, timeout, "every server to be ready")

    def ask(self, node, path):
        """The status of a GET, from the clients' host."""
        return run_in(self.client, lambda: get_status(node.server, path))

    def key(self, name):
        return f"bull:code_submission:{name}"

    def remove(self):
        for node in self.nodes:
            node.end()
        self.redis.remove()
        self.mongo.remove()
        self.network.remove()
        shutil.rmtree(self.languages, ignore_errors=True)


def get_status(server, path):
    try:
        return server.get(path, timeout=5).status_code
    except harness.requests.RequestException:
        return None


def run_in(host, call):
    """Calls it in a thread on this host, and returns what it returns."""
    out = []

    def inside():
        host.enter()
        out.append(call())

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    return out[0]
