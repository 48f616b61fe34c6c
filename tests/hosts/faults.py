# SPDX-License-Identifier: MIT
"""What goes wrong on the hosts of a cluster, as drawn from a seed: the same seed draws the same faults in the same
order, on the same hosts, for the same time. What they meet there is the machine's."""
import threading
import time
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM

import harness

# name: seconds from, to. A lease is 2 s, and a connection that does not answer is given up after 10.
KINDS = {
    "worker": {
        "kill": (0, 2),
        "kill engine": (0, 1),
        "kill spawner": (0, 1),
        "stop": (1, 9),  # most of the time beyond the lease, and the sweep that follows it
        "drain": (0, 2),
        "lose redis": (2, 12),
        "lose mongo": (2, 8),
        "lose both": (2, 12),
    },
    "api": {
        "kill": (0, 2),
        "kill engine": (0, 1),
        "stop": (1, 6),
        "lose redis": (2, 12),
        "lose mongo": (2, 8),
        "lose all": (2, 8),
    },
    "redis": {"drop connections": (0, 0), "kill": (0, 2), "stop": (1, 5)},
    "mongo": {"kill": (0, 2), "stop": (1, 5)},
}
# So many of a kind may be in trouble at once: something of each has to be left.
AT_ONCE = {"worker": 3, "api": 2, "redis": 1, "mongo": 1}


class Fault:
    def __init__(self, target, number, kind, seconds):
        self.target, self.number, self.kind, self.seconds = target, number, kind, seconds

    def __str__(self):
        return f"{self.target}{self.number}: {self.kind} for {self.seconds} s"


def draw(rng, n, sizes):
    """`n` faults; every kind is among them when there is room."""
    kinds = [(target, kind) for target, some in KINDS.items() for kind in some]
    drawn = (kinds + rng.choices(kinds, k=max(n - len(kinds), 0)))[:n] if n >= len(kinds) else rng.sample(kinds, n)
    rng.shuffle(drawn)
    faults = []
    for target, kind in drawn:
        seconds = round(rng.uniform(*KINDS[target][kind]), 1)
        faults.append(Fault(target, rng.randrange(sizes.get(target, 1)), kind, seconds))
    return faults


class Faults:
    """Brings faults over a cluster, each in a thread of its own: the trouble ends by itself."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.changed = threading.Condition()
        self.now = set()  # of (target, number)
        self.threads = []
        self.problems = []
        self.over = threading.Event()  # cuts every wait short

    def begin(self, fault):
        """Waits until there is room for one more, and starts it."""
        place = (fault.target, fault.number)

        def has_room():
            same = [p for p in self.now if p[0] == fault.target]
            return self.problems or (place not in self.now and len(same) < AT_ONCE[fault.target])

        with self.changed:
            assert self.changed.wait_for(has_room, 120 * harness.SLOW), f"no room for {fault}"
            assert not self.problems, self.problems
            self.now.add(place)
        thread = threading.Thread(target=self.run, args=(fault, place), daemon=True)
        self.threads.append(thread)
        thread.start()

    def run(self, fault, place):
        try:
            getattr(self, f"hit_{'node' if fault.target in ('api', 'worker') else fault.target}")(fault)
        except BaseException as problem:  # told by begin() and join()
            self.problems.append((str(fault), problem))
        with self.changed:
            self.now.discard(place)
            self.changed.notify_all()

    def join(self):
        for thread in self.threads:
            thread.join(120 * harness.SLOW)
            assert not thread.is_alive()
        assert not self.problems, self.problems

    def wait(self, fault):
        self.over.wait(fault.seconds)

    # ---- one of our own servers

    def hit_node(self, fault):
        c = self.cluster
        node = (c.workers if fault.target == "worker" else c.servers)[fault.number]
        if fault.kind == "kill":
            node.killed()
            self.wait(fault)
            node.start()
        elif fault.kind.startswith("kill "):
            node.signal(fault.kind.removeprefix("kill "), SIGKILL)
        elif fault.kind == "stop":
            node.signal_all(SIGSTOP)
            self.wait(fault)
            node.signal_all(SIGCONT)
        elif fault.kind == "drain":
            node.server.signal(SIGTERM)
            assert node.server.wait_exit(60) == 0, node.server.log.text()[-2000:]
            self.wait(fault)
            node.start()
        else:
            self.lose(node, fault)

    def lose(self, node, fault):
        c = self.cluster
        ways = {"redis": ["redis"], "mongo": ["mongo"], "both": ["redis", "mongo"], "all": ["redis", "mongo", "client"]}
        others = [c.network.hosts[name] for name in ways[fault.kind.removeprefix("lose ")]]
        for other in others:
            c.network.cut(node.host, other)
        self.wait(fault)
        for other in others:
            c.network.mend(node.host, other)

    # ---- the queue and the store

    def hit_redis(self, fault):
        redis = self.cluster.redis
        if fault.kind == "drop connections":
            for kind in ("normal", "pubsub"):
                redis.ask("CLIENT", "KILL", "TYPE", kind)
        else:
            self.hit_backend(redis, fault)

    def hit_mongo(self, fault):
        self.hit_backend(self.cluster.mongo, fault)

    def hit_backend(self, backend, fault):
        if fault.kind == "kill":
            backend.stop()
            self.wait(fault)
            backend.start()
        else:
            backend.process.send_signal(SIGSTOP)
            self.wait(fault)
            backend.process.send_signal(SIGCONT)


def since(begin):
    return f"{time.monotonic() - begin:6.1f} s"
