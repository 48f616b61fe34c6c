# SPDX-License-Identifier: MIT
"""Exit status and signal are the main process's own, exactly, and no program can make up a verdict."""
import signal

import pytest


@pytest.mark.parametrize("status", [1, 2, 42, 126, 127, 128, 137, 139, 254, 255])
def test_exit_status(server, status):
    r = server.run("bash", f"exit {status}")
    assert (r["verdict"], r["exitCode"], r["signal"]) == ("runtime_error", status, None)


DEADLY = ["HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "XCPU", "XFSZ", "VTALRM", "PROF", "SYS"]  # fmt: skip


@pytest.mark.parametrize("name", DEADLY)
def test_a_signal_is_reported_by_name_and_never_as_a_limit(server, name):
    number = getattr(signal, "SIG" + name)
    code = f"import os, signal\nif {number} not in (9,): signal.signal({number}, signal.SIG_DFL)\nos.kill(os.getpid(), {number})"
    r = server.run("python", code)
    assert (r["verdict"], r["exitCode"], r["signal"]) == ("runtime_error", None, "SIG" + name)
    assert "SIG" + name in r["response"]


CRASHES = {
    "SIGSEGV": "int main(void) { *(volatile int *)8 = 1; }",
    "SIGFPE": "int main(void) { volatile int n = 0; return 7 / n; }",
    "SIGABRT": "#include <stdlib.h>\nint main(void) { abort(); }",
    "SIGILL": "int main(void) { __builtin_trap(); }",
}


@pytest.mark.parametrize("name", CRASHES)
def test_a_crash(server, name):
    r = server.run("c", CRASHES[name])
    assert (r["verdict"], r["signal"], r["exitCode"]) == ("runtime_error", name, None)


def test_endless_recursion_is_a_crash(server):
    r = server.run("c", "int f(volatile int n) { return f(n + 1) + n; }\nint main(void) { return f(0); }")
    assert r["verdict"] in ("runtime_error", "memory_limit")
    assert r["signal"] == "SIGSEGV" or r["verdict"] == "memory_limit"


def test_a_childs_end_is_not_the_programs(server):
    r = server.run("bash", "bash -c 'kill -9 $$'; exit 5")
    assert (r["exitCode"], r["signal"]) == (5, None)
    r = server.run("bash", "(sleep 0.2; exit 9) & exit 4")
    assert r["exitCode"] == 4
