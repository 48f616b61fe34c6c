# SPDX-License-Identifier: MIT
"""`codecrusher worker` of an ordinary user, for an API that root started."""
import os
import signal

import harness
from ordinary_user import User


def test_a_worker_of_an_ordinary_user_serves_and_says_what_it_is(pair):
    one = User()
    worker = harness.Worker(settings=one, **pair.env()).start()
    pair.started.append(worker)
    harness.wait_until(lambda: pair.able() == 1, 30, "the worker to publish its languages")
    api = pair.api()
    api.wait_ready()
    r = api.run("python", "print(6 * 7)")
    assert (r["response"], r["weakIsolation"]) == ("42\n", ["rootless"])
    assert harness.uid_of(worker.process.pid) == harness.uid_of(worker.find("spawner")) == one.uid

    old = worker.find("spawner")
    os.kill(old, signal.SIGKILL)
    harness.wait_until(lambda: worker.find("spawner") not in (None, old), 20, "another spawner")
    assert api.run("python", "print(1)")["stdout"] == "1\n"
    worker.stop()
    harness.wait_until(lambda: not one.processes(), 10, "the user's processes to be gone")
    one.remove()
