#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the attacks in attacks/ against a server and says which of their expectations fail. Standard library only, so
that it works wherever there is a Python: in pytest, in a small virtual machine, against a server elsewhere.

    attack.py --server http://127.0.0.1:3000 [--only B07 --only A] [--executor docker] [--slow 5] [--json]
    attack.py --list
    attack.py --table > docs/attacks.md
    attack.py --languages-to DIR    the shipped languages and those of the attacks, for LANGUAGES_DIR of a server to attack
    attack.py --compile-to DIR      static binaries of the C attacks, for a machine without a compiler:
    attack.py --prebuilt DIR ...    runs those

As a module: load() from attackfile, Target(url), run_attack(target, attack).
"""
import argparse
import base64
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import attackfile  # noqa: E402
import hoststate  # noqa: E402

TIMES = ("cpuMs", "wallMs")
RESULT = re.compile(r"^RESULT (\S+) (.+)$", re.M)
TEXTS = ("stdout", "stderr", "response")
CANARIES = {
    "python": 'import sys; print("canary", sys.stdin.read())',
    "javascript": 'console.log("canary " + require("fs").readFileSync(0, "utf8"))',
    "bash": "echo canary $(cat)",
}


class Target:
    """A server to attack: its URL, and what the checks need to know about it."""

    def __init__(self, url, executor="native", slow=1.0, prebuilt=None, program=None, host=True):
        """slow: by how much longer all may take, as on an emulated machine. prebuilt: directory of static binaries.
        program: path of codecrusher, for what only `codecrusher run` can do; it gets the server's own settings.
        host: compare the state of this machine before and after, which needs the server's processes to be here."""
        self.url, self.executor, self.slow = url.rstrip("/"), executor, slow
        self.prebuilt, self.program = prebuilt, program
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.host = None
        if host:
            self.host = hoststate.Host(urllib.parse.urlsplit(url).port or 80)
        languages = self.get("/api/v1/languages")[1]["languages"]
        self.available = {e["name"] for e in languages if e["available"]}
        self.most = {e["name"]: {kind: e[kind]["max"] for kind in ("limits", "compileLimits") if e[kind]} for e in languages}
        self.cgroup = "v2" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "v1"

    def limits(self, language, kind, wanted):
        """Times as much longer as all may take here, but not more than the server gives."""
        most = self.most[language][kind]
        return {k: min(int(v * self.slow), most[k]) if k in TIMES else v for k, v in wanted.items()}

    # ---- requests

    def ask(self, method, path, body=None):
        """(status, JSON) of one request."""
        data = None if body is None else json.dumps(body).encode("utf-8", "surrogatepass")
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with self.opener.open(request, timeout=90 * self.slow) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, json.loads(answer.read() or b"null")

    def get(self, path):
        return self.ask("GET", path)

    def run(self, body, timeout=120.0):
        """(status, result) of a submission, however long it takes."""
        status, answer = self.ask("POST", "/api/v1/submit?wait=true", body)
        job = answer.get("jobId")
        deadline = time.monotonic() + timeout * self.slow
        while status == 200 and "verdict" not in answer:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no result of {job} in {timeout * self.slow} s")
            status, answer = self.get(f"/api/v1/result?jobId={job}&wait=true")
        return status, answer

    def start(self):
        """Waits until the server is at rest, and keeps what the machine looks like then."""
        for language in sorted(self.available & set(CANARIES)):
            self.run({"language": language, "code": CANARIES[language]})
        if self.host:
            self.host.settle(30 * self.slow)
        return self


def why_not(target, attack):
    """Why this attack cannot be made there, or None."""
    built = target.prebuilt and attack.language == "c"
    if attack.language not in target.available and not (built and "bash" in target.available):
        return f"the server has no {attack.language}"
    if built and not pathlib.Path(target.prebuilt, attack.path.stem).exists():
        return f"there is no {attack.path.stem} in {target.prebuilt}"
    if attack.machine and attack.machine != platform.machine():
        return f"it is for {attack.machine}"
    if attack.cgroup and target.executor == "native" and attack.cgroup != target.cgroup:
        return f"it is about cgroup {attack.cgroup}"
    if any(j.stdin_bytes for j in attack.jobs) and not target.program:
        return "it needs codecrusher's own program (--program)"
    return None


def submission(target, attack, job):
    body = {"language": attack.language, "code": attack.code}
    if target.prebuilt and attack.language == "c":
        binary = pathlib.Path(target.prebuilt, attack.path.stem).read_bytes()
        body = {"language": "bash", "code": 'chmod +x program && exec ./program "$@"'}
        body["files"] = [{"name": "program", "content": base64.b64encode(binary).decode(), "encoding": "base64"}]
    elif attack.flags:
        body["compilerFlags"] = attack.flags
    if attack.files:
        body["files"] = body.get("files", []) + [{"name": n, "content": c} for n, c in attack.files]
    if job.args:
        body["args"] = job.args
    if job.env:
        body["env"] = job.env
    if job.stdin is not None:
        body["stdin"] = job.stdin
    for name, limits in (("limits", job.limits), ("compileLimits", job.compile_limits)):
        if limits:
            body[name] = target.limits(body["language"], name, limits)
    return body


# ---- what was seen against what must be


class Check:
    """Collects what differs, of one job of an attack."""

    def __init__(self, attack, job):
        self.attack, self.job, self.failures = attack, job, []

    def fail(self, check, expected, seen, name=""):
        self.failures.append(
            {"attack": self.attack.id, "job": self.job, "check": check, "name": name, "expected": expected, "seen": seen}
        )

    def one_of(self, check, allowed, seen):
        if allowed is not None and seen not in allowed:
            self.fail(check, "|".join(allowed), seen)


def matches(value, allowed):
    return any(fnmatch.fnmatchcase(value, a) or a == "*" for a in allowed)


def check_results(check, expected, stdout):
    """Every RESULT line is expected, the most specific pattern that fits its name decides, and every pattern is met."""
    met = set()
    patterns = sorted(expected, key=lambda p: ("*" in p, p.count("*") - len(p)))
    for name, seen in RESULT.findall(stdout):
        pattern = next((p for p in patterns if fnmatch.fnmatchcase(name, p)), None)
        if pattern is None:
            check.fail("result", "not in the header", seen, name)
            continue
        met.add(pattern)
        if not matches(seen, expected[pattern]):
            check.fail("result", "|".join(expected[pattern]), seen, name)
    for pattern in expected:
        if pattern not in met:
            check.fail("result", "|".join(expected[pattern]), "no such line", pattern)


def check_texts(check, expected, result):
    for name, wanted in (("stdout", expected.stdout), ("stderr", expected.stderr)):
        if wanted is not None and result[name] != wanted:
            check.fail(name, wanted, short(result[name]))
    for name, patterns in (("stdout", expected.has), ("stderr", expected.stderr_has), ("response", expected.response_has)):
        for pattern in patterns:
            if not re.search(pattern, result[name] or ""):
                check.fail(name, f"has {pattern}", short(result[name]))
    texts = [result[t] or "" for t in TEXTS] + [(result.get("compile") or {}).get(t) or "" for t in TEXTS[:2]]
    for pattern in expected.never:
        if any(re.search(pattern, t) for t in texts):
            check.fail("text", f"never {pattern}", short(" ".join(texts)))


def check_bounds(check, expected, result, slow):
    for bound in expected.bounds:
        limit = bound.value * slow if bound.field in TIMES and bound.sign == "<=" else bound.value
        seen = result[bound.field]
        if (seen > limit) if bound.sign == "<=" else (seen < limit):
            check.fail("bound", str(bound), seen)


def check_differ(attack, outcomes):
    """What must be another's in every job is."""
    check = Check(attack, "")
    for name in attack.differ:
        seen = [dict(RESULT.findall(result.get("stdout") or "")).get(name) for _, result in outcomes]
        if len(set(seen)) != len(seen):
            check.fail("differ", "another one in every job", seen, name)
    return check.failures


def short(text, most=400):
    text = text or ""
    return text if len(text) <= most else text[: most // 2] + " ... " + text[-most // 2 :]


def check_job(target, attack, job, status, result):
    """What this result fails of what its header expects."""
    check, expected = Check(attack, job.name), job.expected
    if expected.refused:
        if status != 400 or result.get("field") != expected.refused:
            check.fail("refused", f"400 for {expected.refused}", f"{status} {short(json.dumps(result))}")
        return check.failures
    if status != 200:
        check.fail("answer", "200", f"{status} {short(json.dumps(result))}")
        return check.failures
    check.one_of("verdict", expected.verdict, result["verdict"])
    check.one_of("exit status", expected.exit, str(result["exitCode"]))
    check.one_of("signal", expected.signal, str(result["signal"]))
    if expected.compile and not (target.prebuilt and attack.language == "c"):
        check.one_of("compile", expected.compile, (result.get("compile") or {}).get("verdict"))
    if expected.stdout is None:
        check_results(check, expected.results, result["stdout"] or "")
    check_texts(check, expected, result)
    check_bounds(check, expected, result, target.slow)
    if check.failures:
        check.failures[0]["result"] = {k: short(str(v)) for k, v in result.items()}
    return check.failures


# ---- what is left of the server


def canary(target, attack):
    """The position where the attack ran is the first to be ready again, so two jobs at once run there and beside it.
    An attack without arguments in an interpreter that is kept warm ran in a warm slot, and so does its canary."""
    language = attack.language if attack.language in CANARIES and not attack.jobs[0].args else "bash"
    if language not in target.available:
        return []
    check = Check(attack, "canary")
    body = {"language": language, "code": CANARIES[language], "stdin": "sings"}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for status, result in pool.map(lambda _: target.run(body), range(2)):
            seen = (status, result.get("verdict"), result.get("stdout"), result.get("stderr"))
            if seen != (200, "ok", "canary sings\n", ""):
                check.fail("canary", "canary sings", short(json.dumps(result)))
    return check.failures


def host_state(target, attack):
    check = Check(attack, "host")
    for name, before, after in target.host.compare(20 * target.slow) if target.host else []:
        check.fail("host", before, after, name)
    return check.failures


def run_with_program(target, attack, job):
    """One job through `codecrusher run`, whose standard input may be larger than a request: (200, result)."""
    env = hoststate.environment(target.host.monitor) if target.host else dict(os.environ)
    env.pop("PORT", None)
    command = [target.program, "run", attack.path, "--summary"]
    limits = target.limits(attack.language, "limits", job.limits)
    command += [f"--limit={name}={value}" for name, value in limits.items()]
    with subprocess.Popen(
        ["head", "-c", str(job.stdin_bytes), "/dev/zero"], stdout=subprocess.PIPE
    ) as feed, subprocess.Popen(
        command, env=env, stdin=feed.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:  # fmt: skip
        feed.stdout.close()
        stdout, stderr = (t.decode(errors="replace") for t in process.communicate(timeout=300 * target.slow))
    verdict = {0: "ok", 123: "output_limit", 124: "time_limit", 137: "memory_limit"}.get(process.returncode, "runtime_error")
    result = {"stdout": stdout, "stderr": stderr, "response": "", "verdict": verdict, "exitCode": process.returncode}
    return 200, {**result, "signal": None, "cpuMs": 0, "wallMs": 0, "memoryBytes": 0}


def run_job(target, attack, job):
    if job.stdin_bytes:
        return run_with_program(target, attack, job)
    return target.run(submission(target, attack, job))


def run_attack(target, attack):
    """Makes the attack, then looks at the machine and lets a canary run where the attack ran and beside it. Returns what
    differs from what must be seen: [{"attack", "job", "check", "name", "expected", "seen"}]; none: it is held."""
    failures = []
    jobs = [job for job in attack.jobs for _ in range(job.times)]
    if attack.together:
        with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
            outcomes = list(pool.map(lambda job: run_job(target, attack, job), jobs))
    else:
        outcomes = [run_job(target, attack, job) for job in jobs]
    for job, (status, result) in zip(jobs, outcomes):
        failures += check_job(target, attack, job, status, result)
    failures += check_differ(attack, outcomes)
    failures += host_state(target, attack)
    failures += canary(target, attack)
    return failures


# ---- the command


TABLE_HEAD = """# Attacks

Programs that try to do harm, one file each in [`tests/sandbox/attacks`](../tests/sandbox/attacks), and what must be seen.
After each, a program of good will runs where the attack ran and another beside it, and the machine must look as before.
The last group are programs that do nothing wrong and must work. How to add one:
[README](../tests/sandbox/attacks/README.md).

This page is made from the headers of these files by `tests/sandbox/attack.py --table`.
"""
GROUPS = {
    "A": "Resources", "B": "Kernel surface and escape", "C": "Signals and init", "D": "Files", "E": "Network",
    "F": "Between jobs", "G": "Compile time", "H": "Verdict integrity", "P": "What must work",
}  # fmt: skip


def table(attacks):
    lines = [TABLE_HEAD]
    for group, title in GROUPS.items():
        rows = [a.table_row() for a in attacks if a.group == group]
        lines += [f"## {group}: {title} ({len(rows)})", "", "| | file | tries | must be seen |", "|---|---|---|---|"]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def compile_all(attacks, directory):
    """Static binaries of the attacks in C."""
    pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
    for attack in attacks:
        if attack.language == "c" and not attack.jobs[0].expected.compile:
            flags = [f for f in attack.flags if not f.startswith("-fsanitize")]
            subprocess.run(
                ["gcc", "-O2", "-std=gnu17", "-static", "-s", *flags, "-x", "c", "-", "-o", pathlib.Path(directory, attack.path.stem), "-lm"],
                input=attack.code.encode(), check=True,
            )  # fmt: skip


def copy_languages(directory):
    """The shipped languages and those that only attacks have: a language whose build step runs the submission."""
    here = pathlib.Path(__file__).resolve().parent
    pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
    for file in (*(here.parent.parent / "languages").glob("*.json"), *(here / "languages").glob("*.json")):
        shutil.copy(file, directory)
    return directory


def report(outcomes, as_json):
    if as_json:
        print(json.dumps(outcomes, indent=1))
        return
    for o in outcomes:
        print(f"{o['id']} {o['state']:7} {o['title']}" + (f" ({o['why']})" if o["why"] else ""))
        for f in o["failures"]:
            print(f"     {f['job']} {f['check']} {f['name']}: expected {f['expected']}, seen {f['seen']}")
    count = {s: sum(o["state"] == s for o in outcomes) for s in ("held", "failed", "skipped")}
    print(", ".join(f"{n} {s}" for s, n in count.items()))


def attack_all(target, attacks, progress=lambda outcome: None):
    """[{"id", "title", "state": held|failed|skipped, "why", "seconds", "failures"}]"""
    outcomes = []
    for attack in attacks:
        begin, why = time.monotonic(), why_not(target, attack)
        failures = [] if why else run_attack(target, attack)
        state = "skipped" if why else "failed" if failures else "held"
        outcome = {"id": attack.id, "title": attack.title, "state": state, "why": why or "", "failures": failures}
        outcome["seconds"] = round(time.monotonic() - begin, 3)
        outcomes.append(outcome)
        progress(outcome)
    return outcomes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", help="URL of the server")
    parser.add_argument("--only", action="append", default=[], help="an id (B07) or a group's letter; may be given again")
    parser.add_argument("--executor", choices=attackfile.EXECUTORS, default="native")
    parser.add_argument("--slow", type=float, default=1.0, help="how many times longer everything may take")
    parser.add_argument("--prebuilt", metavar="DIR", help="static binaries of the C attacks, made with --compile-to")
    parser.add_argument("--program", help="path of codecrusher, for attacks that need `codecrusher run`")
    parser.add_argument("--no-host", action="store_true", help="the server is elsewhere: do not look at this machine")
    parser.add_argument("--json", action="store_true", help="what was seen as JSON on standard output")
    parser.add_argument("--list", action="store_true", help="list the attacks")
    parser.add_argument("--table", action="store_true", help="print docs/attacks.md")
    parser.add_argument("--languages-to", metavar="DIR", help="copy the language files that attacks need")
    parser.add_argument("--compile-to", metavar="DIR", help="make static binaries of the C attacks")
    options = parser.parse_args()
    attacks = attackfile.load(options.only, options.executor)
    if options.list:
        print("\n".join(f"{a.id} {a.language:10} {a.title}" for a in attacks))
    elif options.table:
        print(table(attacks), end="")
    elif options.languages_to:
        copy_languages(options.languages_to)
    elif options.compile_to:
        compile_all(attacks, options.compile_to)
    elif options.server:
        target = Target(
            options.server, options.executor, options.slow, options.prebuilt, options.program, not options.no_host
        ).start()  # fmt: skip
        outcomes = attack_all(target, attacks, lambda o: print(f"{o['id']} {o['state']} {o['seconds']} s", file=sys.stderr))
        report(outcomes, options.json)
        return any(o["state"] == "failed" for o in outcomes)
    else:
        parser.error("say what to do: --server, --list, --table, --languages-to or --compile-to")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (attackfile.BadHeader, hoststate.NotHere, OSError) as problem:
        print(f"attack.py: {problem}", file=sys.stderr)
        sys.exit(2)
