# SPDX-License-Identifier: MIT
"""Every field of a finished result."""
import base64
import datetime
import re

FIELDS = {
    "success", "status", "response", "jobId", "language", "version", "verdict", "stdout", "stderr", "exitCode",
    "signal", "truncated", "cpuMs", "wallMs", "memoryBytes", "compile", "createdAt", "startedAt", "finishedAt",
    "queueMs", "attempts",
}  # fmt: skip
COMPILE_FIELDS = {
    "verdict", "exitCode", "signal", "stdout", "stderr", "truncated", "cpuMs", "wallMs", "memoryBytes", "cached",
}  # fmt: skip
NOT_CUT = {"stdout": False, "stderr": False}


def moment(text):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text), text
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_a_program_that_ends_well(server):
    r = server.run("python", "import sys; print('out'); print('err', file=sys.stderr)")
    assert FIELDS <= set(r)
    assert (r["success"], r["status"], r["verdict"]) == (True, "completed", "ok")
    assert (r["stdout"], r["stderr"], r["response"]) == ("out\n", "err\n", "out\n")
    assert (r["exitCode"], r["signal"], r["compile"]) == (0, None, None)
    assert r["truncated"] == NOT_CUT
    assert r["language"] == "python"
    assert re.fullmatch(r"3\.\d+(\.\d+)*", r["version"])
    assert r["attempts"] == 1


def test_times_are_in_order_and_usage_is_plausible(server):
    r = server.run("python", "import time\nt = time.process_time()\nwhile time.process_time() - t < 0.3: pass")
    created, started, finished = (moment(r[k]) for k in ("createdAt", "startedAt", "finishedAt"))
    assert created <= started <= finished
    assert abs(r["queueMs"] - (started - created).total_seconds() * 1000) <= 1
    assert 300 <= r["cpuMs"] < 3000
    assert r["wallMs"] >= 300
    assert 1 << 20 < r["memoryBytes"] < 256 << 20


def test_memory_is_the_programs_own_peak(server):
    small = server.run("python", "pass")["memoryBytes"]
    large = server.run("python", "x = bytearray(100 << 20)")["memoryBytes"]
    assert 95 << 20 < large - small < 110 << 20


def test_a_program_that_ends_badly_answers_with_its_stderr(server):
    r = server.run("python", "import sys; print('half'); sys.exit('no good')")
    assert (r["success"], r["status"], r["verdict"]) == (True, "failed", "runtime_error")
    assert (r["exitCode"], r["signal"]) == (1, None)
    assert r["response"] == r["stderr"] == "no good\n"
    assert r["stdout"] == "half\n"


def test_an_empty_stderr_is_replaced_by_a_sentence(server):
    r = server.run("bash", "exit 7")
    assert (r["verdict"], r["exitCode"], r["stderr"]) == ("runtime_error", 7, "")
    assert "7" in r["response"] and " " in r["response"]


def test_a_compiled_program_reports_both_steps(server):
    r = server.run("c", '#include <stdio.h>\nint main(void) { puts("hi"); return 3; }')
    assert (r["verdict"], r["exitCode"], r["stdout"]) == ("runtime_error", 3, "hi\n")
    assert set(r["compile"]) >= COMPILE_FIELDS
    assert (r["compile"]["verdict"], r["compile"]["exitCode"], r["compile"]["signal"]) == ("ok", 0, None)
    assert r["compile"]["cached"] is False
    assert r["compile"]["wallMs"] > 0 and r["compile"]["memoryBytes"] > 0


def test_a_compile_error_answers_with_what_the_compiler_said(server):
    r = server.run("c", "int main(void) { return nothing; }")
    assert (r["status"], r["verdict"]) == ("failed", "compile_error")
    assert "nothing" in r["response"] and "main.c" in r["response"]
    assert "nothing" in r["compile"]["stderr"]
    assert (r["exitCode"], r["signal"], r["stdout"]) == (None, None, "")
    assert r["compile"]["exitCode"] == 1


def test_warnings_do_not_fail_a_compile(server):
    r = server.run("c", "int main(void) { int x; return 0; }", compilerFlags=["-Wall"])
    assert r["verdict"] == "ok"
    assert "unused" in r["compile"]["stderr"]


def test_bytes_that_are_no_text_are_replaced_flagged_and_available_exactly(server):
    code = r"import os; os.write(1, b'a\xff\x00b\xc3\xa9\xed\xa0\x80'); os.write(2, b'\xfe')"
    job = server.submit("python", code)
    r = server.result(job)
    assert r["stdout"].startswith("a\ufffd\x00b\u00e9\ufffd")
    assert r["stderr"] == "\ufffd"
    assert r["encodingReplaced"] is True
    exact = server.result(job, "&encoding=base64")
    assert base64.b64decode(exact["stdout"]) == b"a\xff\x00b\xc3\xa9\xed\xa0\x80"
    assert base64.b64decode(exact["stderr"]) == b"\xfe"
    assert exact["response"] == exact["stdout"]
    assert exact["encoding"] == "base64"
    assert server.get(f"/api/v1/jobs/{job}?encoding=base64").json()["stdout"] == exact["stdout"]


def test_text_is_not_flagged(server):
    r = server.run("python", "print('\\u20ac \\U0001f600 \\\\ \" \\x01 \\x7f')")
    assert r["stdout"] == '\u20ac \U0001f600 \\ " \x01 \x7f\n'
    assert not r.get("encodingReplaced")


def test_an_encoding_that_does_not_exist_is_400(server):
    job = server.submit("bash", "true")
    server.result(job)
    answer = server.get(f"/api/v1/result?jobId={job}&encoding=rot13")
    assert answer.status_code == 400
    assert answer.json()["field"] == "encoding"


def test_output_comes_back_exactly(server):
    r = server.run("python", "import sys; sys.stdout.write('no newline'); sys.stderr.write('\\r\\n\\r\\n')")
    assert (r["stdout"], r["stderr"]) == ("no newline", "\r\n\r\n")


def test_a_result_is_the_same_every_time(server):
    job = server.submit("bash", "echo $RANDOM")
    first = server.result(job)
    for _ in range(5):
        assert server.result(job) == first
