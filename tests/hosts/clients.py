# SPDX-License-Identifier: MIT
"""Those who submit jobs and look at results, through every outage. A submit whose answer got lost may have been accepted
or not: only acknowledged jobs count."""
import random
import threading
import time

import requests

TIMEOUT_S = 6
# Between a refusal and the next try: as a polite client does.
PAUSE_S = 0.05


class Clients:
    def __init__(self, cluster, jobs, seed):
        self.cluster, self.jobs, self.seed = cluster, jobs, seed
        self.changed = threading.Condition()
        self.allowed = 0  # jobs that may have been begun
        self.begun = 0
        self.accepted = {}  # id: number
        self.seen = {}  # id: result
        self.refused = 0
        self.conflicts = []
        self.problems = []
        self.stopped = threading.Event()
        self.threads = []

    def start(self, submitters=6, watchers=2, waiters=3):
        for name, n in (("submit", submitters), ("watch", watchers), ("wait", waiters)):
            for i in range(n):
                rng = random.Random(f"{self.seed}-{name}-{i}")
                thread = threading.Thread(target=self.run, args=(getattr(self, name), rng), daemon=True)
                self.threads.append(thread)
                thread.start()
        return self

    def run(self, what, rng):
        self.cluster.client.enter()
        session = new_session()
        try:
            what(session, rng)
        except BaseException as problem:  # told by check()
            self.problems.append(problem)
        with self.changed:
            self.changed.notify_all()

    def stop(self):
        self.stopped.set()
        with self.changed:
            self.changed.notify_all()
        for thread in self.threads:
            thread.join(90)
            assert not thread.is_alive()
        self.check()

    def check(self):
        assert not self.problems, self.problems
        assert not self.conflicts, self.conflicts[:3]

    def allow(self, n, timeout):
        """Lets jobs be submitted until there are `n`, and waits until they are accepted."""
        with self.changed:
            self.allowed = n
            self.changed.notify_all()
            done = self.changed.wait_for(lambda: len(self.accepted) >= n or self.problems, timeout)
        self.check()
        assert done, f"{len(self.accepted)} of {n} jobs were accepted in {timeout} s"

    # ---- submitting

    def next_job(self):
        with self.changed:
            self.changed.wait_for(lambda: self.begun < self.allowed or self.stopped.is_set() or self.is_done())
            if self.stopped.is_set() or self.is_done():
                return None
            self.begun += 1
            return self.begun - 1

    def is_done(self):
        return self.begun >= self.jobs

    def submit(self, session, rng):
        number = self.next_job()
        while number is not None:
            pause = random.Random(f"{self.seed}-{number}").uniform(0, 0.8)
            # Different at each run: a second result could not pass for the first.
            code = f"echo {number} $RANDOM$RANDOM; sleep {pause:.2f}; echo end"
            while not self.stopped.is_set() and not self.submit_once(session, rng, number, code):
                time.sleep(PAUSE_S)
            number = self.next_job()

    def submit_once(self, session, rng, number, code):
        url = rng.choice(self.cluster.servers).server.url
        try:
            body = {"language": "bash", "code": code}
            answer = session.post(url + "/api/v1/submit", json=body, timeout=TIMEOUT_S)
        except requests.RequestException:
            return False
        if answer.status_code != 200:
            assert answer.status_code == 503, answer.text
            self.refused += 1
            return False
        with self.changed:
            job = answer.json()["jobId"]
            assert job not in self.accepted
            self.accepted[job] = number
            self.changed.notify_all()
        return True

    # ---- looking

    def watch(self, session, rng):
        while not self.stopped.is_set():
            with self.changed:
                jobs = rng.sample(sorted(self.accepted), min(10, len(self.accepted)))
            for job in jobs:
                self.look(session, rng.choice(self.cluster.servers), job)
            time.sleep(PAUSE_S)

    def wait(self, session, rng):
        """As watch, but through wait=, for jobs that have not ended."""
        while not self.stopped.is_set():
            with self.changed:
                jobs = sorted(set(self.accepted) - set(self.seen))
            if jobs:
                self.look(session, rng.choice(self.cluster.servers), rng.choice(jobs), "&wait=3")
            else:
                time.sleep(PAUSE_S)

    def look(self, session, node, job, query=""):
        """The result; None while there is none, or none to be had."""
        url = f"{node.server.url}/api/v1/result?jobId={job}{query}"
        before = self.seen.get(job)
        try:
            answer = session.get(url, timeout=TIMEOUT_S)
        except requests.RequestException:
            return None
        if answer.status_code == 503:
            return None
        body = answer.json()
        if answer.status_code != 200:
            self.conflicts.append((node.host.name, job, answer.status_code, body))
            return None
        return self.compare(node, job, before, body)

    def compare(self, node, job, before, body):
        """One who has seen a result never sees another, nor that there is none."""
        if body.get("status") == "Pending":
            if before:
                self.conflicts.append((node.host.name, job, before, body))
            return None
        with self.changed:
            first = self.seen.setdefault(job, body)
        if first != body:
            self.conflicts.append((node.host.name, job, first, body))
        if body["verdict"] == "ok" and body["stdout"].split()[0] != str(self.accepted.get(job)):
            self.conflicts.append((node.host.name, job, "is another's", body))
        return body


def new_session():
    session = requests.Session()
    session.trust_env = False
    return session
