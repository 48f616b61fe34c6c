# SPDX-License-Identifier: MIT
"""Attacks as data: reads the programs in attacks/ and the comment at the top of each that says what it tries and what
must be seen. attacks/README.md describes the format. Standard library only."""
import dataclasses
import errno
import json
import pathlib
import re

DIRECTORY = pathlib.Path(__file__).resolve().parent / "attacks"
LANGUAGES = {".c": "c", ".cpp": "cpp", ".py": "python", ".js": "javascript", ".sh": "bash"}
EXECUTORS = ("native", "docker")
# A program that needs longer than this is stopped, unless its header says otherwise.
LIMITS = {"cpuMs": 4000, "wallMs": 10000}
INCLUDE = re.compile(r'^(?:#|//) ?include "(attack_[a-z]+\.[a-z]+)"\n', re.M)
LINE = re.compile(r"^([a-z-]+)(?:\[([a-z]+)\])?: ?(.*)$")
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class BadHeader(Exception):
    """The message names file and line, and says what to do."""


def size(text):
    found = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not found:
        raise ValueError(f"{text!r} is not a number (12, 64K, 1M, 2G)")
    return int(found.group(1)) * UNITS[found.group(2)]


def pairs(text):
    return {name: size(value) for name, value in (word.split("=", 1) for word in text.split())}


def string(text):
    """A JSON string when it begins with a quote, else the text itself."""
    return json.loads(text) if text.startswith('"') else text


def words(text):
    return [word.strip() for word in text.split("|")]


@dataclasses.dataclass
class Bound:
    """One number of the result: "cpuMs <= 900"."""

    field: str
    sign: str
    value: int

    @classmethod
    def parse(cls, text):
        found = re.fullmatch(r"(cpuMs|wallMs|memoryBytes) (<=|>=) (\d+[KMG]?)", text)
        if not found:
            raise ValueError(f"{text!r} is no bound (cpuMs, wallMs or memoryBytes, then <= or >=, then a number)")
        return cls(found.group(1), found.group(2), size(found.group(3)))

    def __str__(self):
        return f"{self.field} {self.sign} {self.value}"


@dataclasses.dataclass
class Expected:
    """What the result of one job has to be."""

    verdict: list = dataclasses.field(default_factory=lambda: ["ok"])
    compile: list = None
    exit: list = None
    signal: list = None
    stdout: str = None
    stderr: str = None
    has: list = dataclasses.field(default_factory=list)  # regular expressions found in stdout
    stderr_has: list = dataclasses.field(default_factory=list)
    response_has: list = dataclasses.field(default_factory=list)
    never: list = dataclasses.field(default_factory=list)  # found in no text of the result
    results: dict = dataclasses.field(default_factory=dict)  # pattern of a RESULT line's name: values it may have
    bounds: list = dataclasses.field(default_factory=list)
    refused: str = None  # the field of the submission that the API names; nothing runs

    def said(self):
        """In words, for the table in the documents."""
        if self.refused:
            return f"refused: 400 for `{self.refused}`"
        parts = ["/".join(f"`{v}`" for v in self.verdict)]
        if self.compile:
            parts.append("compile step " + "/".join(f"`{v}`" for v in self.compile))
        if self.exit:
            parts.append("exit status " + "/".join(self.exit))
        if self.signal:
            parts.append("/".join(self.signal))
        parts += [f"{name}: {'/'.join(values)}" for name, values in self.results.items()]
        parts += [str(b) for b in self.bounds]
        if self.stdout is not None:
            parts.append(f"stdout exactly `{json.dumps(self.stdout)}`")
        parts += [f"stdout has `{p}`" for p in self.has]
        parts += [f"stderr has `{p}`" for p in self.stderr_has + self.response_has]
        parts += [f"nowhere `{p}`" for p in self.never]
        return "; ".join(parts)


@dataclasses.dataclass
class Job:
    """One submission of the attack's program."""

    name: str = ""
    times: int = 1
    args: list = dataclasses.field(default_factory=list)
    env: dict = dataclasses.field(default_factory=dict)
    stdin: str = None
    stdin_bytes: int = 0  # so many zero bytes, through `codecrusher run`
    limits: dict = dataclasses.field(default_factory=lambda: dict(LIMITS))
    compile_limits: dict = dataclasses.field(default_factory=dict)
    expected: Expected = dataclasses.field(default_factory=Expected)


@dataclasses.dataclass
class Attack:
    id: str
    path: pathlib.Path
    language: str
    code: str
    title: str = ""
    tries: str = ""
    sees: str = ""
    executors: list = dataclasses.field(default_factory=lambda: list(EXECUTORS))
    machine: str = ""  # the only architecture it is written for; none: all
    cgroup: str = ""  # "v1" or "v2" when it is about one of them
    flags: list = dataclasses.field(default_factory=list)
    files: list = dataclasses.field(default_factory=list)  # [(name, content)]
    together: bool = False  # its jobs run at the same time
    differ: list = dataclasses.field(default_factory=list)  # RESULT lines that say something else in every job
    jobs: list = dataclasses.field(default_factory=list)

    @property
    def group(self):
        return self.id[0]

    def table_row(self):
        said = self.sees or " then ".join((f"{j.name}: " if j.name else "") + j.expected.said() for j in self.jobs)
        said += "".join(f"; {name} differs between the jobs" for name in self.differ)
        return self.id, self.path.name, self.tries, said


class _Reader:
    """Fills an Attack from the lines of its header."""

    def __init__(self, attack, executor):
        self.attack, self.executor = attack, executor
        self.common = Job()
        self.job = self.common

    def line(self, key, only, text):
        if only and only not in EXECUTORS:
            raise ValueError(f"[{only}] is no executor ({', '.join(EXECUTORS)})")
        if only and only != self.executor:
            return
        handler = getattr(self, "on_" + key.replace("-", "_"), None)
        if not handler:
            raise ValueError(f"{key!r} is no known key")
        handler(text)

    # ---- of the whole attack

    def on_title(self, text):
        self.attack.title = text

    def on_tries(self, text):
        self.attack.tries = text

    def on_sees(self, text):
        self.attack.sees = text

    def on_executors(self, text):
        self.attack.executors = text.split()
        if not set(self.attack.executors) <= set(EXECUTORS):
            raise ValueError(f"executors are {', '.join(EXECUTORS)}")

    def on_machine(self, text):
        self.attack.machine = text

    def on_cgroup(self, text):
        if text not in ("v1", "v2"):
            raise ValueError("cgroup is v1 or v2")
        self.attack.cgroup = text

    def on_language(self, text):
        self.attack.language = text

    def on_flags(self, text):
        self.attack.flags = text.split()

    def on_file(self, text):
        name, _, content = text.partition(" ")
        self.attack.files.append((string(name), string(content)))

    def on_together(self, text):
        self.attack.together = text == "yes"

    def on_differ(self, text):
        self.attack.differ = text.split()

    def on_job(self, text):
        name, _, times = text.partition(" x")
        self.job = dataclasses.replace(
            self.common, name=name, times=int(times or 1), args=[name], env=dict(self.common.env),
            limits=dict(self.common.limits), compile_limits=dict(self.common.compile_limits), expected=Expected(),
        )  # fmt: skip
        self.attack.jobs.append(self.job)

    # ---- of a job

    def on_args(self, text):
        self.job.args = json.loads(text) if text.startswith("[") else text.split()

    def on_env(self, text):
        name, _, value = text.partition("=")
        self.job.env[name] = string(value)

    def on_stdin(self, text):
        self.job.stdin = string(text)

    def on_stdin_bytes(self, text):
        self.job.stdin_bytes = size(text)

    def on_limits(self, text):
        self.job.limits.update(pairs(text))

    def on_compile_limits(self, text):
        self.job.compile_limits.update(pairs(text))

    def on_verdict(self, text):
        self.job.expected.verdict = words(text)

    def on_compile(self, text):
        self.job.expected.compile = words(text)

    def on_exit(self, text):
        self.job.expected.exit = words(text)

    def on_signal(self, text):
        self.job.expected.signal = words(text)

    def on_stdout(self, text):
        self.job.expected.stdout = string(text)

    def on_stderr(self, text):
        self.job.expected.stderr = string(text)

    def on_stdout_has(self, text):
        self.job.expected.has.append(re.compile(text).pattern)

    def on_stderr_has(self, text):
        self.job.expected.stderr_has.append(re.compile(text).pattern)

    def on_response_has(self, text):
        self.job.expected.response_has.append(re.compile(text).pattern)

    def on_never(self, text):
        self.job.expected.never.append(re.compile(text).pattern)

    def on_result(self, text):
        name, _, values = text.rpartition(" ")
        if not name:
            raise ValueError("a result is a name, a space, and values with | between them")
        for one in name.split():
            self.job.expected.results[one] = [check_value(v) for v in words(values)]

    def on_bound(self, text):
        self.job.expected.bounds.append(Bound.parse(text))

    def on_refused(self, text):
        self.job.expected.refused = text


def check_value(text):
    """"0" is success; a name in capitals has to be one of errno's."""
    if re.fullmatch(r"E[A-Z0-9]+", text) and not hasattr(errno, text):
        raise ValueError(f"{text} is no errno")
    return text


def header_lines(text):
    """[(line number, line)] of the first comment, without its marks."""
    lines = []
    block = text.startswith("/*")
    for number, raw in enumerate(text.splitlines(), 1):
        if block:
            end = "*/" in raw
            lines.append((number, re.sub(r"^\s*(/\*|\*)? ?", "", raw.split("*/")[0], count=1).rstrip()))
            if end:
                break
        else:
            if not raw.startswith(("#", "//")):
                break
            lines.append((number, re.sub(r"^(#|//) ?", "", raw).rstrip()))
    return [(n, line) for n, line in lines if line and not line.startswith(("SPDX-", "!", "include "))]


def fields(text):
    """[(line number, key, executor, value)]; a line that begins with spaces goes on with the one before."""
    found = []
    for number, line in header_lines(text):
        if line.startswith("  ") and found:
            found[-1][3] += " " + line.strip()
            continue
        match = LINE.match(line)
        if not match:
            raise BadHeader(f"line {number}: {line!r} is not \"key: value\"")
        found.append([number, match.group(1), match.group(2), match.group(3)])
    return found


def whole(text, directory=DIRECTORY):
    """The program with what it includes from beside it, so that it is one file."""
    return INCLUDE.sub(lambda m: (directory / m.group(1)).read_text(), text)


def read(path, executor="native"):
    """One attack, as it is expected to end on that executor."""
    text = path.read_text()
    attack = Attack(path.stem.split("_")[0], path, LANGUAGES[path.suffix], whole(text, path.parent))
    reader = _Reader(attack, executor)
    number = 1
    try:
        for number, key, only, value in fields(text):
            reader.line(key, only, value)
    except (ValueError, re.error) as problem:
        raise BadHeader(f"{path.name}, line {number}: {problem}") from None
    except BadHeader as problem:
        raise BadHeader(f"{path.name}, {problem}") from None
    attack.jobs = attack.jobs or [reader.common]
    if not re.fullmatch(r"[A-HP]\d\d", attack.id):
        raise BadHeader(f"{path.name}: a name begins with a group, A to H or P, and two digits")
    for key in ("title", "tries"):
        if not getattr(attack, key):
            raise BadHeader(f"{path.name}: there is no {key}")
    return attack


def load(only=(), executor="native", directory=DIRECTORY):
    """Every attack that is for this executor, or those with the ids in `only` (a group's letter stands for all of it).
    Ids are unique."""
    found = {}
    for path in sorted(directory.iterdir()):
        if path.suffix not in LANGUAGES or path.name.startswith("attack_"):
            continue
        attack = read(path, executor)
        if attack.id in found:
            raise BadHeader(f"{path.name}: {attack.id} is {found[attack.id].path.name} already")
        found[attack.id] = attack
    unknown = [i for i in only if i not in found and not any(a.group == i for a in found.values())]
    if unknown:
        raise BadHeader(f"there is no attack {', '.join(unknown)}")
    chosen = [a for a in found.values() if not only or a.id in only or a.group in only]
    return [a for a in chosen if executor in a.executors]
