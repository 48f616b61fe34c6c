# SPDX-License-Identifier: MIT
"""The door: API keys, whose job is whose, rates, shares of the queue, and no open door by accident."""
import concurrent.futures
import os
import re
import signal
import subprocess
import time

import pytest

import harness


def make_key(name, *settings):
    """(key, line) as `codecrusher key` prints them."""
    done = subprocess.run(
        [harness.PROGRAM, "key", name, *settings], capture_output=True, text=True, timeout=60, check=True
    )
    found = re.fullmatch(r"key:  (cc_[0-9a-z]{52})\nline: (.+)\n", done.stdout)
    assert found, done.stdout
    return found.groups()


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def keys_file(tmp_path):
    class File:
        path = tmp_path / "keys"

        def write(self, *lines):
            self.path.write_text("".join(line + "\n" for line in lines))
            # As an operator would have it: only root can read it.
            self.path.chmod(0o600)

    return File()


def submit(server, key, code="true", query="", **fields):
    return server.post({"language": "bash", "code": code, **fields}, query, headers=bearer(key))


def result(server, key, job, query=""):
    return server.get(f"/api/v1/result?jobId={job}{query}", headers=bearer(key))


def test_a_key_is_needed_everywhere_but_for_health(start_server, keys_file):
    key, line = make_key("alice")
    ops, ops_line = make_key("ops", "all")
    keys_file.write("# team a", "", line + "   # behind a line", ops_line)
    server = start_server(CODECRUSHER_API_KEYS_FILE=keys_file.path)
    for path in ("/healthz", "/readyz"):
        assert server.get(path).status_code == 200
    job = submit(server, key).json()["jobId"]
    closed = [("GET", f"/api/v1/result?jobId={job}"), ("GET", f"/api/v1/jobs/{job}"),
              ("DELETE", f"/api/v1/jobs/{job}"), ("GET", "/api/v1/languages"), ("GET", "/metrics"),
              ("GET", "/api/v1/workers"), ("HEAD", "/metrics"), ("POST", "/api/v1/submit")]
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    for headers in ({}, bearer(wrong), bearer(key[:-1]), bearer(key + "x"), {"Authorization": f"Basic {key}"},
                    {"Authorization": key}, {"Authorization": "Bearer"}, bearer(line.split()[1])):
        for method, path in closed:
            answer = server.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path, headers)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert server.get("/api/v1/languages", headers={"authorization": f"bearer {key}"}).status_code == 200
    assert server.get("/metrics", headers=bearer(key)).status_code == 403
    assert server.get("/api/v1/workers", headers=bearer(key)).status_code == 403
    assert server.get("/api/v1/workers", headers=bearer(ops)).status_code == 200
    assert server.get("/nothing/here").status_code == 404
    metrics = harness.parse_metrics(server.get("/metrics", headers=bearer(ops)).text)
    turned = {dict(labels)["reason"]: n for (name, labels), n in metrics.items()
              if name == "codecrusher_requests_turned_away_total"}
    assert turned["no_key"] >= 7 and turned["unknown_key"] >= 7 and turned["not_allowed"] == 2
    assert key not in server.log.text() and wrong not in server.log.text()


def test_a_body_is_not_read_before_the_key(start_server, keys_file):
    keys_file.write(make_key("alice")[1])
    server = start_server(CODECRUSHER_API_KEYS_FILE=keys_file.path)
    answer = server.raw(b"POST /api/v1/submit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        b"Content-Length: 30000000\r\n\r\n")
    assert answer.status == 401 and answer.headers["connection"] == "close"


def test_the_job_of_another_key_is_as_if_it_were_not_there(start_server, keys_file):
    (alice, a), (bob, b), (ops, o) = make_key("alice"), make_key("bob"), make_key("ops", "all")
    second, a2 = make_key("alice")
    keys_file.write(a, b, o, a2)
    server = start_server(CODECRUSHER_API_KEYS_FILE=keys_file.path)
    queued = submit(server, alice, "read; sleep 60").json()["jobId"]
    done = submit(server, alice, "echo secret", "?wait=true").json()["jobId"]
    never = done[:-9] + ("0" if done[-9] != "0" else "4") + done[-8:]
    for job in (queued, done):
        for method, path in (("GET", f"/api/v1/result?jobId={job}"), ("GET", f"/api/v1/jobs/{job}"),
                             ("GET", f"/api/v1/result?jobId={job}&wait=5"), ("DELETE", f"/api/v1/jobs/{job}")):
            theirs = server.request(method, path, headers=bearer(bob))
            none = server.request(method, path.replace(job, never), headers=bearer(bob))
            assert theirs.status_code == 404
            assert theirs.content == none.content, "nothing tells a job of another from none"
    # Nothing of that did anything to them. A name's other key is the same client.
    assert result(server, second, done).json()["stdout"] == "secret\n"
    assert result(server, ops, done).json()["stdout"] == "secret\n"
    assert server.request("DELETE", f"/api/v1/jobs/{queued}", headers=bearer(second)).status_code == 200
    assert result(server, alice, queued, "&wait=true").json()["verdict"] == "cancelled"


def test_ownership_outlives_a_restart(start_server, keys_file):
    (alice, a), (bob, b) = make_key("alice"), make_key("bob")
    keys_file.write(a, b)
    settings = harness.Settings()
    try:
        server = start_server(settings=settings, CODECRUSHER_API_KEYS_FILE=keys_file.path)
        done = submit(server, alice, "echo kept", "?wait=true").json()["jobId"]
        server.stop()
        server = start_server(settings=settings, CODECRUSHER_API_KEYS_FILE=keys_file.path)
        assert result(server, bob, done).status_code == 404
        assert result(server, alice, done).json()["stdout"] == "kept\n"
        server.stop()
    finally:
        settings.remove()


def test_jobs_from_a_time_without_keys_belong_to_nobody(start_server, keys_file):
    (alice, a), (ops, o) = make_key("alice"), make_key("ops", "all")
    keys_file.write(a, o)
    settings = harness.Settings()
    try:
        server = start_server(settings=settings)
        job = server.run("bash", "echo old")["jobId"]
        server.stop()
        server = start_server(settings=settings, CODECRUSHER_API_KEYS_FILE=keys_file.path)
        assert result(server, alice, job).status_code == 404
        assert result(server, ops, job).json()["stdout"] == "old\n"
        server.stop()
    finally:
        settings.remove()


def test_the_file_is_read_again_on_sighup(start_server, keys_file):
    (old, old_line), (new, new_line) = make_key("alice"), make_key("alice")
    keys_file.write(old_line)
    server = start_server(CODECRUSHER_API_KEYS_FILE=keys_file.path)
    job = submit(server, old, "echo mine", "?wait=true").json()["jobId"]

    # Both for a while, the file written in place.
    keys_file.write(old_line, new_line)
    server.signal(signal.SIGHUP)
    server.log.wait_for("read the API keys again: there are 2")
    assert result(server, old, job).status_code == result(server, new, job).status_code == 200

    # A mistake changes nothing.
    keys_file.write(old_line, new, new_line)
    server.signal(signal.SIGHUP)
    server.log.wait_for("API_KEYS_FILE, line 2: .*stay in force")
    assert new not in server.log.text(), "what may be a key is not in the log"
    assert result(server, old, job).status_code == 200

    # The old one goes; the file is another one, as editors do it.
    keys_file.path.unlink()
    keys_file.write(new_line)
    server.signal(signal.SIGHUP)
    server.log.wait_for("read the API keys again: there are 1")
    assert result(server, old, job).status_code == 401
    assert result(server, new, job).json()["stdout"] == "mine\n"

    # The engine that the monitor starts after a crash knows the newest.
    os.kill(server.find("engine"), signal.SIGKILL)
    server.wait_ready()
    assert result(server, old, job).status_code == 401
    assert result(server, new, job).status_code == 200


def test_a_key_has_a_rate_and_others_do_not_feel_it(start_server, keys_file):
    (slow, s), (fast, f) = make_key("slow", "rate=0.05", "burst=3"), make_key("fast", "rate=0")
    keys_file.write(s, f)
    server = start_server(CODECRUSHER_API_KEYS_FILE=keys_file.path, CODECRUSHER_KEY_RATE=1, CODECRUSHER_KEY_BURST=1)
    answers = [server.get("/api/v1/languages", headers=bearer(slow)) for _ in range(8)]
    # One token comes back in 20 s: a machine so slow that a fourth gets through would need that for eight requests.
    assert [a.status_code for a in answers[:3]] == [200] * 3
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
    assert all(server.get("/api/v1/languages", headers=bearer(fast)).status_code == 200 for _ in range(20))
    # A new reading of the file is no way to a full bucket.
    server.signal(signal.SIGHUP)
    server.log.wait_for("read the API keys again")
    assert server.get("/api/v1/languages", headers=bearer(slow)).status_code == 429


def test_what_retry_after_says_is_enough(start_server, keys_file):
    key, line = make_key("alice", "rate=1", "burst=1")
    keys_file.write(line)
    server = start_server(CODECRUSHER_API_KEYS_FILE=keys_file.path)
    server.get("/api/v1/languages", headers=bearer(key))
    answer = server.get("/api/v1/languages", headers=bearer(key))
    if answer.status_code == 429:  # unless a second went by between the two
        assert answer.headers["Retry-After"] == "1"
        time.sleep(1)
        assert server.get("/api/v1/languages", headers=bearer(key)).status_code == 200


def test_an_address_has_a_rate(start_server):
    # Not waited for: to ask whether it is ready takes tokens, too.
    server = start_server(ready=False, CODECRUSHER_ADDRESS_RATE=0.01, CODECRUSHER_ADDRESS_BURST=50)
    codes = [server.get("/nothing" if i % 2 else "/healthz").status_code for i in range(60)]
    assert codes[-1] == 429 and {200, 404, 429} == set(codes)


def test_a_key_has_its_share_of_the_queue(start_server, keys_file):
    (alice, a), (bob, b) = make_key("alice"), make_key("bob", "queue=10")
    keys_file.write(a, b)
    server = start_server(CODECRUSHER_API_KEYS_FILE=keys_file.path, CODECRUSHER_MAX_QUEUE=20,
                          CODECRUSHER_CONCURRENCY=1, CODECRUSHER_KEY_RATE=0)
    sleeper = submit(server, alice, "sleep 300", limits={"wallMs": 100000}).json()["jobId"]
    harness.wait_until(
        lambda: server.get(f"/api/v1/jobs/{sleeper}", headers=bearer(alice)).json().get("state") == "running")

    answers = [submit(server, alice) for _ in range(8)]
    assert [x.status_code for x in answers] == [200] * 5 + [429] * 3, "25 % of 20 wait"
    assert "share" in answers[-1].json()["error"] and int(answers[-1].headers["Retry-After"]) > 0
    assert [submit(server, bob).status_code for _ in range(4)] == [200, 200, 429, 429]
    # One that is cancelled makes room for one.
    job = answers[2].json()["jobId"]
    assert server.request("DELETE", f"/api/v1/jobs/{job}", headers=bearer(alice)).status_code == 200
    harness.wait_until(lambda: submit(server, alice).status_code == 200)
    assert submit(server, alice).status_code == 429
    # And so does all that runs.
    server.request("DELETE", f"/api/v1/jobs/{sleeper}", headers=bearer(alice))
    for x in answers[:5]:
        assert result(server, alice, x.json()["jobId"], "&wait=true").json()["verdict"] in ("ok", "cancelled")
    assert submit(server, alice).status_code == 200


@pytest.mark.embedded
def test_the_share_counts_what_waited_before_a_restart(start_server, keys_file):
    alice, a = make_key("alice")
    keys_file.write(a)
    options = {"CODECRUSHER_API_KEYS_FILE": keys_file.path, "CODECRUSHER_MAX_QUEUE": 8, "CODECRUSHER_CONCURRENCY": 1,
               "CODECRUSHER_SHUTDOWN_TIMEOUT": 0}
    settings = harness.Settings()
    try:
        server = start_server(settings=settings, **options)
        first = submit(server, alice, "sleep 300", limits={"wallMs": 100000}).json()["jobId"]
        harness.wait_until(
            lambda: server.get(f"/api/v1/jobs/{first}", headers=bearer(alice)).json().get("state") == "running")
        assert [submit(server, alice, "sleep 300").status_code for _ in range(3)] == [200, 200, 429]
        server.stop()
        server = start_server(settings=settings, **options)
        # The one that ran waits again or runs already; the two that waited do so still.
        assert submit(server, alice).status_code == 429
        server.stop()
    finally:
        settings.remove()


def test_nobody_opens_the_door_by_accident():
    settings = harness.Settings()
    try:
        done = subprocess.run([harness.PROGRAM, "serve"], capture_output=True, text=True, timeout=60,
                              env=harness.clean_env(**{**settings.env(), "HOST": "0.0.0.0"}))
        assert done.returncode == 78
        assert "CODECRUSHER_API_KEYS_FILE" in done.stderr and "CODECRUSHER_OPEN=1" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    finally:
        settings.remove()


BAD_FILES = [
    ("alice", "line 1"),
    ("# x\n\nalice cc_0123", "line 3"),
    ("ali/ce " + "0" * 64, "line 1"),
    ("alice " + "0" * 63 + "G", "line 1"),
    ("alice " + "0" * 64 + " rate=fast", "rate="),
    ("alice " + "0" * 64 + " burst=0", "burst="),
    ("alice " + "0" * 64 + " queue=101", "queue="),
    ("alice " + "0" * 64 + " admin", "all"),
    ("alice " + "0" * 64 + "\nbob " + "0" * 64, "line 2"),
]


@pytest.mark.parametrize("text, word", BAD_FILES, ids=[str(i) for i in range(len(BAD_FILES))])
def test_a_bad_file_stops_the_start_with_a_sentence(tmp_path, text, word):
    path = tmp_path / "keys"
    path.write_text(text)
    done = refused_start(path)
    assert done.returncode == 78 and "API_KEYS_FILE" in done.stderr and word in done.stderr, done.stderr


def test_a_file_that_everybody_may_write_is_refused(tmp_path, keys_file):
    keys_file.write(make_key("alice")[1])
    keys_file.path.chmod(0o666)
    assert "chmod" in refused_start(keys_file.path).stderr
    assert "API_KEYS_FILE" in refused_start(tmp_path / "missing").stderr
    assert "regular" in refused_start(tmp_path).stderr


def refused_start(path):
    settings = harness.Settings()
    try:
        return subprocess.run([harness.PROGRAM, "serve"], capture_output=True, text=True, timeout=60,
                              env=harness.clean_env(**{**settings.env(), "CODECRUSHER_API_KEYS_FILE": path}))
    finally:
        settings.remove()


def test_ids_of_one_moment_have_nothing_in_common_but_their_time(start_server):
    """The part behind the time differs from one id to the next in about all of its characters."""
    server = start_server()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ids = sorted(pool.map(lambda _: server.submit("bash", "true"), range(64)))
    assert len(set(ids)) == len(ids)
    for a, b in zip(ids, ids[1:]):
        same = sum(x == y for x, y in zip(a[12:26], b[12:26]))
        assert same <= 8, (a, b)  # 14 characters of 32 kinds: more than 8 alike is a chance of one in 10^10


@pytest.mark.parametrize("words", [[], ["a/b"], ["x" * 65], ["alice", "rate=x"], ["alice", "extra"]])
def test_key_says_what_is_wrong(words):
    done = subprocess.run([harness.PROGRAM, "key", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith("codecrusher: ")
