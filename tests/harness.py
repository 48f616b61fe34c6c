# SPDX-License-Identifier: MIT
"""A CodeCrusher server as a user starts it, and what tests ask of it and of the machine around it.

Nothing here sleeps: log lines are waited for on a condition, states of the machine are polled up to a deadline.
"""
import contextlib
import fcntl
import itertools
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import requests

import contract

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("CODECRUSHER_BUILD", "build")
PROGRAM = BUILD / "src/cmd/codecrusher"
SANITIZED = "sanitize" in BUILD.name
# Sanitized builds are slower by this much at worst, and emulated machines by what they say; deadlines of tests grow with it.
SLOW = int(os.environ.get("CODECRUSHER_TEST_SLOW", 4 if SANITIZED else 1))
# In an emulated machine an interpreter takes longer to start than a warm slot may take to be built.
EMULATED = "CODECRUSHER_TEST_SLOW" in os.environ
SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|: runtime error: ")

UID_RANGE = 0x4000
SESSION_RANGE = 0x200000


def _first_uid():
    """A range of uids per test session, so that sessions side by side do not meet, and the default range stays
    free. The session has it as long as it holds the lock."""
    for i in range(64):
        lock = open(f"/tmp/codecrusher-test-uids-{i}", "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _first_uid.lock = lock
        return 0x71000000 + i * SESSION_RANGE
    raise RuntimeError("64 test sessions run already")


_uid_bases = itertools.count(_first_uid(), UID_RANGE)


def wait_until(condition, timeout=10.0, what="the condition"):
    """Polls until condition() is true and returns its value."""
    deadline = time.monotonic() + timeout * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout * SLOW} s in vain for {what}")
        time.sleep(0.01)


def clean_env(**extra):
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    env.update({k: str(v) for k, v in extra.items()})
    return env


def processes():
    """{pid: (ppid, comm, state)} of everything that lives."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = pathlib.Path("/proc", entry, "stat").read_text(errors="replace")
        except OSError:
            continue
        comm = text[text.index("(") + 1 : text.rindex(")")]
        state, ppid = text[text.rindex(")") + 2 :].split()[:2]
        found[int(entry)] = (int(ppid), comm, state)
    return found


def uid_of(pid):
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None


# Gives the settings that choose queue and store, for one Settings; none: the embedded ones. See conftest.py.
backend_env = dict


class Settings:
    """Places of one server: directories, cgroup name, uids. Two servers may share one of these."""

    inside = ()  # words in front of its command; they end as the command, in the same process

    def __init__(self):
        self.backend = backend_env()
        # 0755: the engine is not root and has to reach its data directory.
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="codecrusher-test-"))
        self.base.chmod(0o755)
        self.uid_base = next(_uid_bases)
        self.cgroup = f"codecrusher-test-{os.getpid()}-{self.uid_base:x}"
        self.data_dir = self.base / "data"

    def env(self):
        return {
            "PORT": 0,
            "CODECRUSHER_DATA_DIR": self.data_dir,
            "CODECRUSHER_RUN_DIR": self.base / "run",
            "CODECRUSHER_CGROUP_PARENT": self.cgroup,
            "CODECRUSHER_UID_BASE": self.uid_base,
            **({"CODECRUSHER_WARM_SLOTS": 0} if EMULATED else {}),
            # Seconds of a compiler at every start; tests/compile has it on.
            "CODECRUSHER_PRECOMPILE": 0,
            **self.backend,
        }

    def cgroups(self):
        """Directories of this server in every mounted cgroup hierarchy."""
        return [
            pathlib.Path(path)
            for path, _, _ in os.walk("/sys/fs/cgroup", followlinks=False)
            if f"/{self.cgroup}" in path
        ]

    def processes(self):
        """Processes that have a uid of this server's slots."""
        return sorted(
            pid
            for pid in processes()
            if (uid_of(pid) or 0) >= self.uid_base and (uid_of(pid) or 0) < self.uid_base + UID_RANGE
        )

    def remove(self):
        shutil.rmtree(self.base, ignore_errors=True)


class Log:
    """What a process writes to stderr, line by line, as it comes."""

    def __init__(self, stream):
        self.stream = stream
        self.rest = b""
        self._lines = []
        self.changed = threading.Condition()
        self.ended = False
        os.set_blocking(stream.fileno(), False)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        poll = select.poll()
        poll.register(self.stream, select.POLLIN)
        while not self.ended:
            poll.poll()
            self._drain()
        self.stream.close()

    def _drain(self):
        """Takes what has been written by now."""
        with self.changed:
            with contextlib.suppress(BlockingIOError):
                while not self.ended:
                    self._take(os.read(self.stream.fileno(), 1 << 16))
            self.changed.notify_all()

    def _take(self, chunk):
        self.ended = not chunk
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        if self.ended and self.rest:
            lines.append(self.rest)
        self._lines += [line.decode(errors="replace") for line in lines]

    @property
    def lines(self):
        """Whatever the process had written before this was asked, even if the thread was not there yet."""
        self._drain()
        return self._lines

    def text(self):
        return "\n".join(self.lines)

    def wait_for(self, pattern, timeout=20.0):
        def find():
            for line in self._lines:
                found = re.search(pattern, line)
                if found:
                    return found
            return None

        with self.changed:
            self.changed.wait_for(lambda: find() or self.ended, timeout * SLOW)
            found = find()
        assert found, f"no line matching {pattern!r} in the log:\n{self.text()}"
        return found


class Server:
    address = "127.0.0.1"
    inside = ()  # words in front of the command: where it is to run

    def __init__(self, settings=None, verb="serve", **env):
        self.settings = settings or Settings()
        self.owns_settings = settings is None
        self.verb = verb
        self.env = {**self.settings.env(), **env}
        self.process = None
        self.log = None
        self.port = None
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.hooks["response"].append(contract.check)

    # ---- life

    def launch(self):
        self.process = subprocess.Popen(
            [*self.inside, *self.settings.inside, PROGRAM, self.verb],
            env=clean_env(**self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.log = Log(self.process.stderr)

    def start(self, ready=True):
        self.launch()
        found = self.log.wait_for(r"listening on http://[^ ]*:(\d+)")
        self.port = int(found.group(1))
        self.env["PORT"] = self.port  # the same one after a restart
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, timeout=20.0):
        def ready():
            try:
                return self.get("/readyz").status_code == 200
            except requests.ConnectionError:
                assert self.process.poll() is None, f"the server ended:\n{self.log.text()}"
                return False

        wait_until(ready, timeout, "/readyz to say 200")

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait_exit(self, timeout=30.0):
        status = self.process.wait(timeout * SLOW)
        self.log.thread.join(10)
        return status

    def stop(self):
        """SIGTERM, exit status 0, no sanitizer's word in the log, and, where no other server shares its
        settings, no process left on the machine."""
        if self.process and self.process.poll() is None:
            self.signal()
            status = self.wait_exit()
            assert status == 0, f"exit status {status}:\n{self.log.text()[-4000:]}"
        if self.log:
            self.check_log()
        if self.owns_settings:
            wait_until(lambda: not self.settings.processes(), 10, "the slots' processes to be gone")
        self.clean()

    def kill(self):
        """Ends everything of it with SIGKILL, in whatever state it is, and removes its directories."""
        if self.process:
            tree = self.tree()
            self.process.kill()
            for pid in tree:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
            # Dead is not gone: until then the engine has its data directory locked.
            wait_until(lambda: all(processes().get(pid, (0, "", "Z"))[2] == "Z" for pid in tree), 30, "the killed to be gone")
            self.process = None
        self.clean()

    def clean(self):
        self.session.close()
        if self.owns_settings:
            self.settings.remove()

    def check_log(self):
        report = SANITIZER_REPORT.search(self.log.text())
        assert not report, self.log.text()[-8000:]

    # ---- processes

    def tree(self):
        """Pids below the monitor, itself not counted."""
        alive = processes()
        below, grown = {self.process.pid}, True
        while grown:
            more = {pid for pid, (ppid, _, _) in alive.items() if ppid in below} - below
            grown = bool(more)
            below |= more
        return sorted(below - {self.process.pid})

    def find(self, role):
        """The pid of "monitor", "engine", "spawner" or "builder"; None while there is none."""
        if role == "monitor":
            return self.process.pid
        names = {"engine": "codecrusher-eng", "spawner": "codecrusher-spa", "builder": "cc-builder"}
        alive = processes()
        for pid in self.tree():
            if pid in alive and alive[pid][1] == names[role] and alive[pid][2] != "Z":
                return pid
        return None

    def runs(self, comm):
        """Whether a slot's process has this name. A job is "running" a little earlier, and a spawner that dies
        before the program started costs no attempt."""
        alive = processes()
        return any(alive.get(pid, (0, "", ""))[1] == comm for pid in self.settings.processes())

    # ---- requests

    @property
    def url(self):
        return f"http://{self.address}:{self.port}"

    def request(self, method, path, timeout=90, **kwargs):
        return self.session.request(method, self.url + path, timeout=timeout, **kwargs)

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def post(self, body, query="", **kwargs):
        """Submits a body: a dict as JSON, bytes as they are."""
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        headers = {"Content-Type": "application/json", **kwargs.pop("headers", {})}
        return self.request("POST", "/api/v1/submit" + query, data=body, headers=headers, **kwargs)

    def submit(self, language, code, **fields):
        answer = self.post({"language": language, "code": code, **fields})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert set(body) == {"success", "jobId"} and body["success"] is True
        return body["jobId"]

    def result(self, job_id, query="", timeout=90.0):
        """Waits for the result, however long the job takes, and returns it."""
        deadline = time.monotonic() + timeout * SLOW
        while time.monotonic() < deadline:
            answer = self.get(f"/api/v1/result?jobId={job_id}&wait=true{query}")
            assert answer.status_code == 200, answer.text
            body = answer.json()
            if body.get("status") != "Pending":
                return body
            assert body == {"success": False, "status": "Pending"}
        raise AssertionError(f"no result of {job_id} in {timeout} s:\n{self.log.text()[-4000:]}")

    def run(self, language, code, **fields):
        answer = self.post({"language": language, "code": code, **fields}, "?wait=true")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return body if "verdict" in body else self.result(body["jobId"])

    def state(self, job_id):
        return self.get(f"/api/v1/jobs/{job_id}").json().get("state")

    def wait_state(self, job_id, state, timeout=20.0):
        wait_until(lambda: self.state(job_id) == state, timeout, f"{job_id} to be {state}")

    def metrics(self):
        """{(name, frozenset of labels): value} of /metrics."""
        return parse_metrics(self.get("/metrics").text)

    def metric(self, name, **labels):
        """The sum of a metric's samples that carry these labels."""
        wanted = set(labels.items())
        return sum(v for (n, have), v in self.metrics().items() if n == name and wanted <= have)

    def connect(self, timeout=20):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def raw(self, data, timeout=20, close=False):
        """Sends bytes, reads until the server closes or falls silent after complete answers."""
        with self.connect(timeout * SLOW) as s:
            s.sendall(data)
            if close:
                s.shutdown(socket.SHUT_WR)
            return read_answer(s)


class Worker(Server):
    """`codecrusher worker`: a server without HTTP."""

    def __init__(self, settings=None, **env):
        super().__init__(settings, verb="worker", **env)

    def start(self, ready=True):
        self.launch()
        return self


SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')


def parse_metrics(text):
    """Reads Prometheus text strictly: every sample has a TYPE and a HELP, and appears once."""
    samples, types, helps = {}, {}, set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types and kind in ("counter", "gauge", "histogram"), line
            types[name] = kind
        elif line.startswith("# HELP "):
            helps.add(line.split()[2])
        elif line and not line.startswith("#"):
            found = SAMPLE.match(line)
            assert found, f"no sample: {line!r}"
            name, labels, value = found.groups()
            pairs = LABEL.findall(labels or "")
            assert LABEL.sub("", labels or "") == "", line
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            family = family if types.get(family) == "histogram" else name
            assert family in types and family in helps, f"{name} has no TYPE or HELP"
            key = (name, frozenset(pairs))
            assert key not in samples, f"twice: {line}"
            samples[key] = float(value)
    assert text.endswith("\n")
    return samples


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def read_answer(s, stream=None):
    """One HTTP answer from a socket, read by the rules (Content-Length only: it is all the server sends).
    None when the server closed without one."""
    stream = stream or s.makefile("rb")
    line = stream.readline()
    if not line:
        return None
    found = re.match(rb"HTTP/1\.1 (\d{3}) [^\r\n]+\r\n$", line)
    assert found, line
    headers = {}
    while True:
        line = stream.readline()
        if line == b"\r\n":
            break
        name, value = line.decode("ascii").rstrip("\r\n").split(":", 1)
        assert name.lower() not in headers, f"{name} twice"
        headers[name.lower()] = value.strip()
    status = int(found.group(1))
    if status in (100, 204):
        return Answer(status, headers, b"")
    length = int(headers["content-length"])
    body = stream.read(length)
    assert len(body) == length
    return Answer(status, headers, body)
