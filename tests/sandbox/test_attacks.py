# SPDX-License-Identifier: MIT
"""Every attack of attacks/: what it must see, the machine as before, and an unharmed canary where it ran and beside it."""
import json
import os

import pytest

import attack
import attackfile
import harness


def described(failures):
    return "\n".join(json.dumps(f) for f in failures)


# Ids or letters of groups, where there is no time for all.
CHOSEN = os.environ.get("CODECRUSHER_ATTACKS", "").split()


@pytest.mark.parametrize("one", attackfile.load(CHOSEN), ids=lambda a: a.path.stem)
def test_attack(target, one):
    why = attack.why_not(target, one)
    if why:
        pytest.skip(why)
    failures = attack.run_attack(target, one)
    assert not failures, described(failures)


def test_the_table_in_the_documents_is_this_one():
    page = harness.ROOT / "docs/attacks.md"
    made = attack.table(attackfile.load())
    assert page.read_text() == made, "make it anew: tests/sandbox/attack.py --table > docs/attacks.md"


BAD = {
    "no title": ("/* tries: x */", "there is no title"),
    "an unknown key": ("/* title: x\n * trise: y */", "line 2: 'trise' is no known key"),
    "an unknown errno": ("/* title: x\n * tries: y\n * result: a EPREM */", "line 3: EPREM is no errno"),
    "no number": ("/* title: x\n * tries: y\n * limits: cpuMs=much */", "line 3: 'much' is not a number"),
    "no key": ("/* title: x\n * what is this */", "is not \"key: value\""),
    "a bound of nothing": ("/* title: x\n * tries: y\n * bound: mood <= 3 */", "is no bound"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_header_with_a_mistake_is_named(tmp_path, case):
    text, message = BAD[case]
    (tmp_path / "A01_x.c").write_text(text)
    with pytest.raises(attackfile.BadHeader) as problem:
        attackfile.load(directory=tmp_path)
    assert "A01_x.c" in str(problem.value) and message in str(problem.value)


def seen(**fields):
    nothing = {"verdict": "ok", "exitCode": 0, "signal": None, "stdout": "", "stderr": "", "response": "", "compile": None}
    return {**nothing, "cpuMs": 0, "wallMs": 0, "memoryBytes": 0, **fields}


HEADER = "/* title: x\n * tries: y\n * result: a EPERM|ENOSYS\n * result: b* 0\n * never: secret\n * bound: cpuMs <= 5 */"
WRONG = {
    "the verdict": (seen(verdict="runtime_error", stdout="RESULT a EPERM\nRESULT b1 0\n"), "verdict"),
    "an errno": (seen(stdout="RESULT a 0\nRESULT b1 0\n"), "result"),
    "a line too few": (seen(stdout="RESULT a EPERM\n"), "result"),
    "a line too many": (seen(stdout="RESULT a EPERM\nRESULT b1 0\nRESULT c 0\n"), "result"),
    "a secret": (seen(stdout="RESULT a EPERM\nRESULT b1 0\n", stderr="a secret"), "text"),
    "too long": (seen(stdout="RESULT a EPERM\nRESULT b1 0\n", cpuMs=10**6), "bound"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_as_expected_is_said(target, tmp_path, case):
    (tmp_path / "A01_x.c").write_text(HEADER)
    (one,) = attackfile.load(directory=tmp_path)
    assert attack.check_job(target, one, one.jobs[0], 200, seen(stdout="RESULT a ENOSYS\nRESULT b1 0\nRESULT b2 0\n")) == []
    result, check = WRONG[case]
    failures = attack.check_job(target, one, one.jobs[0], 200, result)
    assert [f["check"] for f in failures] == [check], failures


def test_what_is_left_on_the_machine_is_said(target):
    """The comparison can fail: a process that the server did not have before, and one that it lost."""
    before = target.host.idle
    for name in ("processes below the monitor", "control groups", "mounts of the spawner", "descriptors of spawner"):
        changed = {**before, name: before[name] + 100}
        assert [p[0] for p in target.host.problems(changed)] == [name]
    assert not target.host.elastic and before["slots"] > 2
    changed = {**before, "slots": before["slots"] + 1, "control groups": before["control groups"] + 4}
    assert [p[0] for p in target.host.problems(changed)] == ["slots", "control groups"]
    changed = {**before, "who": {**before["who"], "spawner": 1}}
    assert [p[0] for p in target.host.problems(changed)] == ["who"]
